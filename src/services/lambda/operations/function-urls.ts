import type { RequestContext } from "#base/context.ts";
import type { FunctionReference, RegistryView } from "#functions/registry/registry.ts";
import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { conflict, notFound, nothingThere } from "../errors.ts";
import { newUrlId, urlAddress } from "../function-urls.ts";
import { pageRequest } from "../paging.ts";
import { tags, type UrlRecord, urls, urlTargets } from "../records.ts";
import { functionArn, functionReference, latestFunction } from "../reference.ts";
import { timeText } from "../shape.ts";

/** Create-, Get-, Update-, Delete- and ListFunctionUrlConfig(s). */
export function functionUrlOperations(scope: LambdaScope) {
  return {
    createFunctionUrlConfig: createFunctionUrlConfig(scope),
    getFunctionUrlConfig: getFunctionUrlConfig(scope),
    updateFunctionUrlConfig: updateFunctionUrlConfig(scope),
    deleteFunctionUrlConfig: deleteFunctionUrlConfig(scope),
    listFunctionUrlConfigs: listFunctionUrlConfigs(scope),
  };
}

function createFunctionUrlConfig(scope: LambdaScope): LambdaHandler<"CreateFunctionUrlConfig"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    const sub = id.qualifier ?? "";
    const record = await scope.registry.write((edit) => {
      checkTarget(edit, id);
      if (urls.get(edit.tx, id, sub)) {
        throw conflict(
          `Failed to create function url config for [functionArn = ${functionArn(id)}]. ` +
            "Error message:  FunctionUrlConfig exists for this Lambda function",
        );
      }
      const urlId = newUrlId(tags.get(edit.tx, id) ?? {}, id.qualifier, scope.random);
      if (urlTargets.get(edit.tx, id.region, urlId)) {
        throw conflict(`The function URL id ${urlId} is already in use.`);
      }
      const nowMs = scope.clock.nowMs();
      const created: UrlRecord = {
        urlId,
        authType: input.AuthType,
        invokeMode: input.InvokeMode ?? "BUFFERED",
        cors: input.Cors,
        createdMs: nowMs,
        modifiedMs: nowMs,
      };
      urls.put(edit.tx, { id, sub }, created);
      urlTargets.put(edit.tx, urlId, id);
      return created;
    });
    scope.cache.forget();
    const { LastModifiedTime: _, ...shown } = urlConfig(record, id, context);
    return shown; // what was just made has no time of change
  };
}

function getFunctionUrlConfig(scope: LambdaScope): LambdaHandler<"GetFunctionUrlConfig"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    const record = await scope.registry.read((view) => recordAt(view, id));
    return urlConfig(record, id, context);
  };
}

function updateFunctionUrlConfig(scope: LambdaScope): LambdaHandler<"UpdateFunctionUrlConfig"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    const record = await scope.registry.write((edit) => {
      checkTarget(edit, id);
      const before = recordAt(edit, id);
      const after: UrlRecord = {
        ...before,
        authType: input.AuthType ?? before.authType,
        invokeMode: input.InvokeMode ?? before.invokeMode,
        cors: input.Cors ?? before.cors,
        modifiedMs: scope.clock.nowMs(),
      };
      urls.put(edit.tx, { id, sub: id.qualifier ?? "" }, after);
      return after;
    });
    scope.cache.forget();
    return urlConfig(record, id, context);
  };
}

function deleteFunctionUrlConfig(scope: LambdaScope): LambdaHandler<"DeleteFunctionUrlConfig"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    await scope.registry.write((edit) => {
      const record = recordAt(edit, id);
      urls.remove(edit.tx, id, id.qualifier ?? "");
      urlTargets.remove(edit.tx, id.region, record.urlId);
    });
    scope.cache.forget();
    return {};
  };
}

function listFunctionUrlConfigs(scope: LambdaScope): LambdaHandler<"ListFunctionUrlConfigs"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    const page = pageRequest(["urls", id.accountId, id.region, id.name], input);
    return await scope.registry.read((view) => {
      checkTarget(view, { ...id, qualifier: undefined });
      const entries = urls.list(view.reader, id, { after: page.after, limit: page.limit + 1 });
      const { items, next } = page.cut(entries, (entry) => entry.sub);
      return {
        FunctionUrlConfigs: items.map(({ sub, record }) =>
          urlConfig(record, { ...id, qualifier: sub === "" ? undefined : sub }, context),
        ),
        ...(next === undefined ? {} : { NextMarker: next }),
      };
    });
  };
}

function checkTarget(view: RegistryView, id: FunctionReference): void {
  const exists =
    view.functions.get(id) &&
    (id.qualifier === undefined || view.aliases.get(id, id.qualifier) !== undefined);
  if (!exists) throw notFound("Function does not exist");
}

function recordAt(view: RegistryView, id: FunctionReference): UrlRecord {
  const record = urls.get(view.reader, id, id.qualifier ?? "");
  if (!record) throw nothingThere();
  return record;
}

function urlConfig(record: UrlRecord, id: FunctionReference, context: RequestContext) {
  return {
    FunctionUrl: urlAddress(context.endpoint, id.region, record.urlId),
    FunctionArn: functionArn(id),
    AuthType: record.authType,
    ...(record.cors ? { Cors: record.cors } : {}),
    CreationTime: timeText(record.createdMs),
    LastModifiedTime: timeText(record.modifiedMs),
    InvokeMode: record.invokeMode,
  };
}
