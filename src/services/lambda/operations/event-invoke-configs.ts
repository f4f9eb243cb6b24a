import { parseArn } from "#base/arn.ts";
import type { FunctionReference, RegistryView } from "#functions/registry/registry.ts";
import type { Input, LambdaHandler, LambdaScope } from "../dependencies.ts";
import { invalid, notFound } from "../errors.ts";
import { pageRequest } from "../paging.ts";
import { type EventInvokeRecord, eventInvokes } from "../records.ts";
import { functionArn, functionReference, latestFunction, isVersionNumber } from "../reference.ts";

/** What happens to asynchronous invocations: Put-, Update-, Get-, Delete-, ListFunctionEventInvokeConfig(s). */
export function eventInvokeOperations(scope: LambdaScope) {
  return {
    putFunctionEventInvokeConfig: putFunctionEventInvokeConfig(scope),
    updateFunctionEventInvokeConfig: updateFunctionEventInvokeConfig(scope),
    getFunctionEventInvokeConfig: getFunctionEventInvokeConfig(scope),
    deleteFunctionEventInvokeConfig: deleteFunctionEventInvokeConfig(scope),
    listFunctionEventInvokeConfigs: listFunctionEventInvokeConfigs(scope),
  };
}

function putFunctionEventInvokeConfig(
  scope: LambdaScope,
): LambdaHandler<"PutFunctionEventInvokeConfig"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    checkSettings(input, id);
    const record = recordFrom(input, undefined, scope.clock.nowMs());
    await scope.registry.write((edit) => {
      checkTarget(edit, id);
      eventInvokes.put(edit.tx, { id, sub: subOf(id) }, record);
    });
    scope.cache.forget();
    return configOf(record, id);
  };
}

function updateFunctionEventInvokeConfig(
  scope: LambdaScope,
): LambdaHandler<"UpdateFunctionEventInvokeConfig"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    checkSettings(input, id);
    const record = await scope.registry.write((edit) => {
      checkTarget(edit, id);
      const before = eventInvokes.get(edit.tx, id, subOf(id));
      if (!before) throw noConfig(id);
      const after = recordFrom(input, before, scope.clock.nowMs());
      eventInvokes.put(edit.tx, { id, sub: subOf(id) }, after);
      return after;
    });
    scope.cache.forget();
    return configOf(record, id);
  };
}

function getFunctionEventInvokeConfig(
  scope: LambdaScope,
): LambdaHandler<"GetFunctionEventInvokeConfig"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    const record = await scope.registry.read((view) =>
      eventInvokes.get(view.reader, id, subOf(id)),
    );
    if (!record) throw noConfig(id);
    return configOf(record, id);
  };
}

function deleteFunctionEventInvokeConfig(
  scope: LambdaScope,
): LambdaHandler<"DeleteFunctionEventInvokeConfig"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    await scope.registry.write((edit) => {
      if (!eventInvokes.get(edit.tx, id, subOf(id))) throw noConfig(id);
      eventInvokes.remove(edit.tx, id, subOf(id));
    });
    scope.cache.forget();
    return {};
  };
}

function listFunctionEventInvokeConfigs(
  scope: LambdaScope,
): LambdaHandler<"ListFunctionEventInvokeConfigs"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    const page = pageRequest(["event-invoke", id.accountId, id.region, id.name], input);
    return await scope.registry.read((view) => {
      checkTarget(view, { ...id, qualifier: undefined });
      const entries = eventInvokes.list(view.reader, id, {
        after: page.after,
        limit: page.limit + 1,
      });
      const { items, next } = page.cut(entries, (entry) => entry.sub);
      return {
        FunctionEventInvokeConfigs: items.map(({ sub, record }) =>
          configOf(record, { ...id, qualifier: sub === "" ? undefined : sub }),
        ),
        ...(next === undefined ? {} : { NextMarker: next }),
      };
    });
  };
}

type Members = Pick<
  Input<"PutFunctionEventInvokeConfig">,
  "MaximumRetryAttempts" | "MaximumEventAgeInSeconds" | "DestinationConfig"
>;

/** What is not named is unset by Put (`before` undefined) and kept by Update. */
function recordFrom(
  input: Members,
  before: EventInvokeRecord | undefined,
  nowMs: number,
): EventInvokeRecord {
  const destinations = input.DestinationConfig && {
    onSuccess: input.DestinationConfig.OnSuccess?.Destination || undefined,
    onFailure: input.DestinationConfig.OnFailure?.Destination || undefined,
  };
  return {
    maxRetryAttempts: input.MaximumRetryAttempts ?? before?.maxRetryAttempts,
    maxAgeSeconds: input.MaximumEventAgeInSeconds ?? before?.maxAgeSeconds,
    destinations: destinations ?? before?.destinations,
    modifiedMs: nowMs,
  };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (seen 2026-11). */
const destinationServices = new Set(["sqs", "sns", "lambda", "events", "s3"]);

function checkSettings(input: Members, id: FunctionReference): void {
  const { MaximumRetryAttempts: attempts, MaximumEventAgeInSeconds: age } = input;
  if (attempts === undefined && age === undefined && input.DestinationConfig === undefined) {
    throw invalid("You must specify at least one of error handling or destination setting.");
  }
  const { OnSuccess: success, OnFailure: failure } = input.DestinationConfig ?? {};
  for (const destination of [success?.Destination, failure?.Destination]) {
    if (!destination) continue;
    if (!destinationServices.has(parseArn(destination)?.service ?? "")) {
      throw invalid(`The provided destination config DestinationConfig is invalid: ${destination}`);
    }
    const own = functionArn({ ...id, qualifier: undefined });
    if (destination === own || destination.startsWith(`${own}:`)) {
      throw invalid("You can't specify the function as a destination for itself.");
    }
  }
  if (parseArn(success?.Destination ?? "")?.service === "s3") {
    throw invalid("S3 is supported as a destination for failed invocations only.");
  }
}

/** `$LATEST` and no qualifier are the same configuration. */
function subOf(id: FunctionReference): string {
  return id.qualifier === undefined || id.qualifier === "$LATEST" ? "" : id.qualifier;
}

function checkTarget(view: RegistryView, id: FunctionReference): void {
  const sub = subOf(id);
  const exists =
    view.functions.get(id) &&
    (sub === "" ||
      (isVersionNumber(sub) ? view.versions.get(id, Number(sub)) : view.aliases.get(id, sub)));
  if (!exists) throw notFound("The function doesn't exist.");
}

function noConfig(id: FunctionReference): Error {
  return notFound(`The function ${qualified(id)} doesn't have an EventInvokeConfig`);
}

function qualified(id: FunctionReference): string {
  return functionArn({ ...id, qualifier: id.qualifier ?? "$LATEST" });
}

function configOf(record: EventInvokeRecord, id: FunctionReference) {
  const { destinations } = record;
  return {
    LastModified: new Date(record.modifiedMs),
    FunctionArn: qualified(id),
    ...(record.maxRetryAttempts === undefined
      ? {}
      : { MaximumRetryAttempts: record.maxRetryAttempts }),
    ...(record.maxAgeSeconds === undefined
      ? {}
      : { MaximumEventAgeInSeconds: record.maxAgeSeconds }),
    DestinationConfig: {
      OnSuccess: destinationOf(destinations?.onSuccess),
      OnFailure: destinationOf(destinations?.onFailure),
    },
  };
}

function destinationOf(arn: string | undefined): { Destination?: string } {
  return arn === undefined ? {} : { Destination: arn };
}
