import { uuid } from "#base/ids.ts";
import type { RequestContext } from "#base/context.ts";
import {
  type FunctionEntry,
  type FunctionReference,
  isPreparing,
  type Page,
  type RegistryEdit,
  type RegistryView,
  type Revision,
  type Scope,
} from "#functions/registry/registry.ts";
import { type CodeLinks, storeCode, type StoredCode } from "../code.ts";
import type { Input, LambdaHandler, LambdaScope } from "../dependencies.ts";
import { conflict, functionNotFound, invalid } from "../errors.ts";
import { chosenLayers, checkTotalSize, layerReferences, unpackedSize } from "../layers.ts";
import { functionNameLengthMax } from "../limits.ts";
import { pageRequest } from "../paging.ts";
import { creatingState } from "../preparation.ts";
import { removeProvisioned } from "../provisioned.ts";
import * as records from "../records.ts";
import { functionArn, functionReference, isVersionNumber, wholeFunction } from "../reference.ts";
import { checkRuntime } from "../runtime-choice.ts";
import { defaultSettings, type Settings, withSettings } from "../settings.ts";
import { configurationOf, listedConfigurationOf } from "../shape.ts";
import { checkTags, egressOf } from "../tags.ts";
import { checkCodeStorage } from "../usage.ts";

/** CreateFunction, GetFunction, GetFunctionConfiguration, ListFunctions, DeleteFunction. */
export function functionOperations(scope: LambdaScope, links: CodeLinks) {
  return {
    createFunction: createFunction(scope),
    getFunction: getFunction(scope, links),
    getFunctionConfiguration: getFunctionConfiguration(scope),
    listFunctions: listFunctions(scope),
    deleteFunction: deleteFunction(scope),
  };
}

function createFunction(scope: LambdaScope): LambdaHandler<"CreateFunction"> {
  return async (input, context) => {
    const id = newFunctionId(input, context);
    const tags = input.Tags ?? {};
    checkTags(tags);
    if (!input.Runtime || !input.Handler) {
      throw invalid(
        "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
      );
    }
    await checkRuntime(scope, input.Runtime);
    const settings = withSettings(defaultSettings(id.name), input, scope.runtimes);
    const refuseTwins = (view: RegistryView): void => {
      if (view.functions.get(id)) throw conflict(`Function already exist: ${id.name}`);
    };
    await scope.registry.read(refuseTwins); // before the package is stored for nothing
    const code = await storeCode(scope, input.Code ?? {}, {
      accountId: context.principal.accountId,
    });
    const created = await scope.registry.write((edit) => {
      refuseTwins(edit);
      checkCodeStorage(edit, id, code.codeByteCount);
      const entry = newEntry({ scope, edit, input, context }, { id, settings, code });
      edit.functions.put(id, entry);
      if (Object.keys(tags).length > 0) records.tags.put(edit.tx, { id }, tags);
      return input.Publish ? (edit.versions.publish(id, undefined) ?? entry.latest) : entry.latest;
    });
    scope.preparation.begin(id);
    const { LastUpdateStatus: _, ...configuration } = configurationOf(
      created,
      input.Publish ? created.version : undefined,
    );
    return configuration; // a function that was never updated has no update status
  };
}

function newFunctionId(input: Input<"CreateFunction">, context: RequestContext): FunctionReference {
  const id = wholeFunction(input.FunctionName, context);
  if (id.name.length > functionNameLengthMax) {
    throw invalid(
      `1 validation error detected: Value '${id.name}' at 'functionName' failed to satisfy ` +
        `constraint: Member must have length less than or equal to ${functionNameLengthMax}`,
    );
  }
  return id;
}

function newEntry(
  from: {
    readonly scope: LambdaScope;
    readonly edit: RegistryEdit;
    readonly input: Input<"CreateFunction">;
    readonly context: RequestContext;
  },
  parts: {
    readonly id: FunctionReference;
    readonly settings: Settings;
    readonly code: StoredCode;
  },
): FunctionEntry {
  const { scope, edit, input, context } = from;
  const { id, settings, code } = parts;
  const layers = chosenLayers(edit, input.Layers ?? [], context);
  const layersUnpackedByteCount = unpackedSize(layers);
  checkTotalSize(code.unpackedByteCount, layersUnpackedByteCount);
  const egress = egressOf(input.Tags ?? {});
  const latest: Revision = {
    ...settings,
    revisionId: uuid(scope.random),
    functionArn: functionArn(id),
    accountId: id.accountId,
    region: id.region,
    name: id.name,
    version: "$LATEST",
    codeSha256: code.codeSha256,
    codeByteCount: code.codeByteCount,
    layers: layerReferences(layers),
    architecture: input.Architectures?.[0] ?? "x86_64",
    egress,
    state: creatingState,
    lastModifiedMs: scope.clock.nowMs(),
  };
  return {
    latest,
    serving: undefined,
    unpackedByteCount: code.unpackedByteCount,
    layersUnpackedByteCount,
    reservedConcurrency: undefined,
    egress,
    published: undefined,
  };
}

function getFunction(scope: LambdaScope, links: CodeLinks): LambdaHandler<"GetFunction"> {
  return async (input, context) => {
    const reference = functionReference(input.FunctionName, input.Qualifier, context);
    const { revision, tags, reserved } = await scope.registry.read((view) => ({
      revision: revisionAt(view, reference),
      tags: records.tags.get(view.reader, reference),
      reserved: view.functions.get(reference)?.reservedConcurrency,
    }));
    return {
      Configuration: configurationOf(revision, reference.qualifier),
      Code: {
        RepositoryType: "S3",
        Location: await links.link(context.endpoint, revision.codeSha256),
      },
      ...(tags ? { Tags: { ...tags } } : {}),
      ...(reserved === undefined
        ? {}
        : { Concurrency: { ReservedConcurrentExecutions: reserved } }),
    };
  };
}

function getFunctionConfiguration(scope: LambdaScope): LambdaHandler<"GetFunctionConfiguration"> {
  return async (input, context) => {
    const reference = functionReference(input.FunctionName, input.Qualifier, context);
    const revision = await scope.registry.read((view) => revisionAt(view, reference));
    return configurationOf(revision, reference.qualifier);
  };
}

/** What a qualifier shows: `$LATEST` as configured, a version, or what an alias points at first. */
export function revisionAt(view: RegistryView, reference: FunctionReference): Revision {
  const { qualifier } = reference;
  const missing = functionNotFound(functionArn(reference));
  const entry = view.functions.get(reference);
  if (!entry) throw missing;
  if (qualifier === undefined || qualifier === "$LATEST") return entry.latest;
  const version = isVersionNumber(qualifier)
    ? qualifier
    : view.aliases.get(reference, qualifier)?.version;
  const found =
    version === "$LATEST" ? entry.latest : view.versions.get(reference, Number(version));
  if (!found) throw missing;
  return found;
}

/** The entry of a function that must exist; the error names the function as a whole. */
export function entryAt(view: RegistryView, id: FunctionReference): FunctionEntry {
  const entry = view.functions.get(id);
  if (!entry) throw functionNotFound(functionArn({ ...id, qualifier: undefined }));
  return entry;
}

/** Only one change at a time: what is still being prepared after waiting is a conflict. */
export function refuseWhilePreparing(entry: FunctionEntry): void {
  if (!isPreparing(entry.latest)) return;
  const { state } = entry.latest.state;
  throw conflict(
    state === "Pending"
      ? `The operation cannot be performed at this time. The function is currently in the following state: ${state}`
      : `The operation cannot be performed at this time. An update is in progress for resource: ${entry.latest.functionArn}`,
  );
}

function listFunctions(scope: LambdaScope): LambdaHandler<"ListFunctions"> {
  return async (input, context) => {
    const { accountId } = context.principal;
    const place = { accountId, region: context.region };
    const isAll = input.FunctionVersion === "ALL";
    const page = pageRequest(["functions", accountId, context.region, String(isAll)], input);
    if (input.MasterRegion !== undefined && input.MasterRegion !== "ALL") {
      return { Functions: [] }; // replicas of functions at edge locations; there are none
    }
    return await scope.registry.read((view) => {
      const wanted = { after: page.after, limit: page.limit + 1 };
      const revisions = isAll
        ? everyRevision(view, place, wanted)
        : view.functions.list(place, wanted).map((entry) => entry.latest);
      const { items, next } = page.cut(revisions, (revision) =>
        isAll ? `${revision.name}:${revision.version}` : revision.name,
      );
      return {
        Functions: items.map((revision) =>
          listedConfigurationOf(revision, isAll ? revision.version : undefined),
        ),
        ...(next === undefined ? {} : { NextMarker: next }),
      };
    });
  };
}

/** Each function's `$LATEST`, then its versions; `after` is `name:version` of the last one shown. */
function everyRevision(view: RegistryView, place: Scope, page: Page<string>): readonly Revision[] {
  const [name = "", version] = page.after?.split(":") ?? [];
  const found: Revision[] = [];
  const after = version === undefined || version === "$LATEST" ? undefined : Number(version);
  const room = (): number => page.limit - found.length;
  if (version !== undefined) {
    found.push(...view.versions.list({ ...place, name }, { after, limit: room() }));
  }
  const others = { after: version === undefined ? undefined : name, limit: room() };
  for (const { latest } of room() > 0 ? view.functions.list(place, others) : []) {
    if (room() > 0) found.push(latest);
    if (room() > 0) found.push(...view.versions.list(latest, { after: undefined, limit: room() }));
  }
  return found;
}

function deleteFunction(scope: LambdaScope): LambdaHandler<"DeleteFunction"> {
  return async (input, context) => {
    const reference = functionReference(input.FunctionName, input.Qualifier, context);
    const { qualifier } = reference;
    if (qualifier === "$LATEST") {
      throw invalid("$LATEST version cannot be deleted without deleting the function.");
    }
    if (qualifier !== undefined && !isVersionNumber(qualifier)) {
      throw invalid("Deletion of aliases is not currently supported.");
    }
    await scope.registry.write((edit) => {
      entryAt(edit, reference);
      if (qualifier === undefined) {
        edit.functions.remove(reference);
        records.removeAll(edit.tx, reference);
      } else {
        removeVersion(edit, reference, qualifier);
      }
    });
    scope.cache.forget();
    await scope.provisioning.apply(reference);
    scope.pool.retire(functionArn({ ...reference, qualifier: undefined }), undefined);
    return { StatusCode: 204 };
  };
}

/** A version that does not exist is deleted already; one that an alias uses stays. */
function removeVersion(edit: RegistryEdit, id: FunctionReference, version: string): void {
  const users = edit.aliases
    .list(id, everyAlias)
    .filter((alias) => alias.version === version || version in alias.weights)
    .map((alias) => alias.name);
  if (users.length > 0) {
    throw conflict(
      `Unable to delete version because the following aliases reference it: [${users.join(", ")}]`,
    );
  }
  edit.versions.remove(id, Number(version));
  records.removeQualified(edit.tx, id, version);
  removeProvisioned(edit, id, version);
}

const everyAlias = { after: undefined, limit: Number.POSITIVE_INFINITY };
