import { uuid } from "#base/ids.ts";
import type { RequestContext } from "#base/context.ts";
import type {
  FunctionEntry,
  FunctionReference,
  RegistryEdit,
  Revision,
} from "#functions/registry/registry.ts";
import { storeCode } from "../code.ts";
import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { staleRevision } from "../errors.ts";
import { chosenLayers, checkTotalSize, layerReferences, unpackedSize } from "../layers.ts";
import { creatingState, updatingState } from "../preparation.ts";
import { latestFunction } from "../reference.ts";
import { checkRuntime } from "../runtime-choice.ts";
import { withSettings } from "../settings.ts";
import { configurationOf } from "../shape.ts";
import { checkCodeStorage } from "../usage.ts";
import { entryAt, refuseWhilePreparing } from "./functions.ts";

/** UpdateFunctionCode and UpdateFunctionConfiguration: the two ways `$LATEST` changes. */
export function functionUpdateOperations(scope: LambdaScope) {
  return {
    updateFunctionCode: updateFunctionCode(scope),
    updateFunctionConfiguration: updateFunctionConfiguration(scope),
  };
}

function updateFunctionCode(scope: LambdaScope): LambdaHandler<"UpdateFunctionCode"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    await ready(scope, id, { revisionId: input.RevisionId, context });
    const code = await storeCode(scope, input, {
      accountId: context.principal.accountId,
      isDryRun: input.DryRun ?? false,
    });
    const architecture = input.Architectures?.[0];
    const change = (edit: RegistryEdit): Revision => {
      const entry = entryAt(edit, id);
      checkChangeable(entry, input.RevisionId);
      checkCodeStorage(edit, id, code.codeByteCount - entry.latest.codeByteCount);
      checkTotalSize(code.unpackedByteCount, entry.layersUnpackedByteCount);
      const latest: Revision = {
        ...changed(scope, entry),
        codeSha256: code.codeSha256,
        codeByteCount: code.codeByteCount,
        ...(architecture === undefined ? {} : { architecture }),
      };
      if (input.DryRun) return latest;
      edit.functions.put(id, {
        ...staged(entry, latest),
        unpackedByteCount: code.unpackedByteCount,
      });
      return input.Publish ? (edit.versions.publish(id, undefined) ?? latest) : latest;
    };
    const result = await scope.registry.write(change);
    if (!input.DryRun) scope.preparation.begin(id);
    return configurationOf(result, input.Publish ? result.version : undefined);
  };
}

function updateFunctionConfiguration(
  scope: LambdaScope,
): LambdaHandler<"UpdateFunctionConfiguration"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    await ready(scope, id, { revisionId: input.RevisionId, context });
    if (input.Runtime !== undefined) await checkRuntime(scope, input.Runtime);
    const latest = await scope.registry.write((edit) => {
      const entry = entryAt(edit, id);
      checkChangeable(entry, input.RevisionId);
      const layers = input.Layers && chosenLayers(edit, input.Layers, context);
      const layersUnpackedByteCount = layers ? unpackedSize(layers) : entry.layersUnpackedByteCount; // layers in use stay usable after they were deleted
      checkTotalSize(entry.unpackedByteCount, layersUnpackedByteCount);
      const next: Revision = {
        ...changed(scope, entry),
        ...withSettings(entry.latest, input, scope.runtimes),
        layers: layers ? layerReferences(layers) : entry.latest.layers,
      };
      edit.functions.put(id, { ...staged(entry, next), layersUnpackedByteCount });
      return next;
    });
    scope.preparation.begin(id);
    return configurationOf(latest, undefined);
  };
}

/**
 * Waits a bounded time for a change that is still being prepared, so that deploying twice in a row
 * does not fail; refuses early what the transaction would refuse anyway.
 */
async function ready(
  scope: LambdaScope,
  id: FunctionReference,
  options: { readonly revisionId: string | undefined; readonly context: RequestContext },
): Promise<void> {
  const entry = await scope.registry.read((view) => entryAt(view, id));
  checkRevision(entry, options.revisionId);
  await scope.preparation.settled(id, options.context.signal);
}

function checkChangeable(entry: FunctionEntry, revisionId: string | undefined): void {
  checkRevision(entry, revisionId);
  refuseWhilePreparing(entry);
}

export function checkRevision(entry: FunctionEntry, revisionId: string | undefined): void {
  if (revisionId !== undefined && revisionId !== entry.latest.revisionId) {
    throw staleRevision("GetFunction/GetAlias");
  }
}

function changed(scope: LambdaScope, entry: FunctionEntry): Revision {
  const hasFailed = entry.latest.state.state === "Failed";
  return {
    ...entry.latest,
    revisionId: uuid(scope.random),
    lastModifiedMs: scope.clock.nowMs(),
    state: hasFailed ? creatingState : updatingState,
  };
}

/** What ran until now keeps running until `latest` is ready. */
function staged(entry: FunctionEntry, latest: Revision): FunctionEntry {
  const { latest: before } = entry;
  const isRunning = before.state.state === "Active" && before.state.lastUpdate === "Successful";
  return { ...entry, latest, serving: isRunning ? before : entry.serving };
}
