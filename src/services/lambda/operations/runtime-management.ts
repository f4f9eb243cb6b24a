import type { FunctionReference, RegistryView, Revision } from "#functions/registry/registry.ts";
import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { functionNotFound, invalid } from "../errors.ts";
import { recursion, type RuntimeManagementRecord, runtimeManagement } from "../records.ts";
import { functionArn, functionReference, latestFunction, isVersionNumber } from "../reference.ts";
import { runtimeVersionArn } from "../shape.ts";
import { entryAt, revisionAt } from "./functions.ts";

/** Small settings of one function: runtime updates, recursive loops, and that no code is signed. */
export function runtimeManagementOperations(scope: LambdaScope) {
  return {
    putRuntimeManagementConfig: putRuntimeManagementConfig(scope),
    getRuntimeManagementConfig: getRuntimeManagementConfig(scope),
    putFunctionRecursionConfig: putFunctionRecursionConfig(scope),
    getFunctionRecursionConfig: getFunctionRecursionConfig(scope),
    getFunctionCodeSigningConfig: getFunctionCodeSigningConfig(scope),
  };
}

/** Each runtime has one version here, so a wish to stay with it is kept by doing nothing. */
function putRuntimeManagementConfig(
  scope: LambdaScope,
): LambdaHandler<"PutRuntimeManagementConfig"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    const record: RuntimeManagementRecord = {
      updateOn: input.UpdateRuntimeOn,
      runtimeVersionArn: input.RuntimeVersionArn,
    };
    await scope.registry.write((edit) => {
      const revision = versionAt(edit, id);
      checkRuntimeVersion(record, revision);
      runtimeManagement.put(edit.tx, { id, sub: revision.version }, record);
    });
    return {
      UpdateRuntimeOn: record.updateOn,
      FunctionArn: qualifiedArn(id),
      ...(record.runtimeVersionArn === undefined
        ? {}
        : { RuntimeVersionArn: record.runtimeVersionArn }),
    };
  };
}

function checkRuntimeVersion(record: RuntimeManagementRecord, revision: Revision): void {
  const isManual = record.updateOn === "Manual";
  if (isManual !== (record.runtimeVersionArn !== undefined)) {
    throw invalid(
      isManual
        ? "RuntimeVersionArn is required when UpdateRuntimeOn is Manual."
        : "RuntimeVersionArn can only be given when UpdateRuntimeOn is Manual.",
    );
  }
  const hosted = runtimeVersionArn(revision.region, revision.runtime);
  if (isManual && record.runtimeVersionArn !== hosted) {
    throw invalid(
      `Runtime version ${record.runtimeVersionArn} is not hosted; the only one of ${revision.runtime} is ${hosted}.`,
    );
  }
}

function getRuntimeManagementConfig(
  scope: LambdaScope,
): LambdaHandler<"GetRuntimeManagementConfig"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    const record = await scope.registry.read((view) =>
      runtimeManagement.get(view.reader, id, versionAt(view, id).version),
    );
    return {
      UpdateRuntimeOn: record?.updateOn ?? "Auto",
      FunctionArn: qualifiedArn(id),
      ...(record?.runtimeVersionArn === undefined
        ? {}
        : { RuntimeVersionArn: record.runtimeVersionArn }),
    };
  };
}

/** `$LATEST` or a published version; aliases have no runtime of their own. */
function versionAt(view: RegistryView, id: FunctionReference): Revision {
  const { qualifier } = id;
  if (qualifier !== undefined && qualifier !== "$LATEST" && !isVersionNumber(qualifier)) {
    throw functionNotFound(functionArn(id));
  }
  return revisionAt(view, id);
}

function qualifiedArn(id: FunctionReference): string {
  return functionArn({ ...id, qualifier: id.qualifier ?? "$LATEST" });
}

function putFunctionRecursionConfig(
  scope: LambdaScope,
): LambdaHandler<"PutFunctionRecursionConfig"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    await scope.registry.write((edit) => {
      entryAt(edit, id);
      recursion.put(edit.tx, { id }, { recursiveLoop: input.RecursiveLoop });
    });
    scope.cache.forget();
    return { RecursiveLoop: input.RecursiveLoop };
  };
}

function getFunctionRecursionConfig(
  scope: LambdaScope,
): LambdaHandler<"GetFunctionRecursionConfig"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    return await scope.registry.read((view) => {
      entryAt(view, id);
      return { RecursiveLoop: recursion.get(view.reader, id)?.recursiveLoop ?? "Terminate" };
    });
  };
}

/** Deployment tools ask for it after every deployment; a function without one has an empty answer. */
function getFunctionCodeSigningConfig(
  scope: LambdaScope,
): LambdaHandler<"GetFunctionCodeSigningConfig"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    await scope.registry.read((view) => entryAt(view, id));
    return { CodeSigningConfigArn: undefined, FunctionName: undefined };
  };
}
