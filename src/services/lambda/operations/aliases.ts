import { uuid } from "#base/ids.ts";
import type { Alias, FunctionReference, RegistryView } from "#functions/registry/registry.ts";
import type { Input, LambdaHandler, LambdaScope } from "../dependencies.ts";
import { conflict, functionNotFound, invalid, notFound, staleRevision } from "../errors.ts";
import { pageRequest } from "../paging.ts";
import * as records from "../records.ts";
import { functionArn, latestFunction } from "../reference.ts";
import { aliasOf } from "../shape.ts";
import { entryAt } from "./functions.ts";
import { checkProvisionedMove, removeProvisioned } from "../provisioned.ts";

/** CreateAlias, GetAlias, UpdateAlias, DeleteAlias, ListAliases. */
export function aliasOperations(scope: LambdaScope) {
  return {
    createAlias: createAlias(scope),
    getAlias: getAlias(scope),
    updateAlias: updateAlias(scope),
    deleteAlias: deleteAlias(scope),
    listAliases: listAliases(scope),
  };
}

function createAlias(scope: LambdaScope): LambdaHandler<"CreateAlias"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    const alias = await scope.registry.write((edit) => {
      entryAt(edit, id);
      checkVersion(edit, id, input.FunctionVersion);
      if (edit.aliases.get(id, input.Name)) {
        throw conflict(`Alias already exists: ${aliasArn(id, input.Name)}`);
      }
      const created: Alias = {
        name: input.Name,
        version: input.FunctionVersion,
        description: input.Description ?? "",
        weights: weightsOf(edit, id, {
          version: input.FunctionVersion,
          weights: input.RoutingConfig?.AdditionalVersionWeights ?? {},
        }),
        revisionId: uuid(scope.random),
      };
      edit.aliases.put(id, created);
      return created;
    });
    return aliasOf(wholeArn(id), alias);
  };
}

function getAlias(scope: LambdaScope): LambdaHandler<"GetAlias"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    const alias = await scope.registry.read((view) => aliasAt(view, id, input.Name));
    return aliasOf(wholeArn(id), alias);
  };
}

function updateAlias(scope: LambdaScope): LambdaHandler<"UpdateAlias"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    const alias = await scope.registry.write((edit) => {
      const before = aliasAt(edit, id, input.Name);
      if (input.RevisionId !== undefined && input.RevisionId !== before.revisionId) {
        throw staleRevision("GetFunction/GetAlias");
      }
      const after = changedAlias(edit, { id, before, input, revisionId: uuid(scope.random) });
      checkProvisionedMove(edit, id, after);
      edit.aliases.put(id, after);
      return after;
    });
    await scope.provisioning.apply(id);
    return aliasOf(wholeArn(id), alias);
  };
}

function changedAlias(
  view: RegistryView,
  change: {
    readonly id: FunctionReference;
    readonly before: Alias;
    readonly input: Input<"UpdateAlias">;
    readonly revisionId: string;
  },
): Alias {
  const { id, before, input, revisionId } = change;
  const version = input.FunctionVersion ?? before.version;
  if (input.FunctionVersion !== undefined) checkVersion(view, id, version);
  const weights = input.RoutingConfig
    ? (input.RoutingConfig.AdditionalVersionWeights ?? {})
    : before.weights;
  return {
    ...before,
    version,
    description: input.Description ?? before.description,
    weights: weightsOf(view, id, { version, weights }),
    revisionId,
  };
}

/** Deleting what is not there succeeds; what hangs on the alias goes with it. */
function deleteAlias(scope: LambdaScope): LambdaHandler<"DeleteAlias"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    await scope.registry.write((edit) => {
      entryAt(edit, id);
      edit.aliases.remove(id, input.Name);
      records.removeQualified(edit.tx, id, input.Name);
      removeProvisioned(edit, id, input.Name);
    });
    scope.cache.forget();
    await scope.provisioning.apply(id);
    return {};
  };
}

function listAliases(scope: LambdaScope): LambdaHandler<"ListAliases"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    const filter = input.FunctionVersion;
    const page = pageRequest(["aliases", wholeArn(id), filter ?? ""], input);
    return await scope.registry.read((view) => {
      entryAt(view, id);
      const all = view.aliases.list(id, { after: page.after, limit: Number.POSITIVE_INFINITY });
      const wanted = all.filter(
        ({ version, weights }) => filter === undefined || version === filter || filter in weights,
      );
      const { items, next } = page.cut(wanted, (alias) => alias.name);
      return {
        Aliases: items.map((alias) => aliasOf(wholeArn(id), alias)),
        ...(next === undefined ? {} : { NextMarker: next }),
      };
    });
  };
}

function aliasAt(view: RegistryView, id: FunctionReference, name: string): Alias {
  const alias = view.functions.get(id) && view.aliases.get(id, name);
  if (!alias) throw notFound(`Cannot find alias arn: ${aliasArn(id, name)}`);
  return alias;
}

/**
 * The routing rules of https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html:
 * one more version, both published, not the same.
 */
function weightsOf(
  view: RegistryView,
  id: FunctionReference,
  routing: { readonly version: string; readonly weights: Readonly<Record<string, number>> },
): Readonly<Record<string, number>> {
  const { version, weights } = routing;
  const others = Object.keys(weights);
  if (others.length > 1) {
    throw invalid("Number of items in AdditionalVersionWeights cannot be greater than 1");
  }
  for (const other of others) {
    if (other === version) {
      throw invalid(
        `Invalid function version ${version}. Function version ${version} is already included in routing configuration.`,
      );
    }
    if (version === "$LATEST") {
      throw invalid("$LATEST is not supported for an alias pointing to more than 1 version");
    }
    checkVersion(view, id, other);
  }
  return weights;
}

function checkVersion(view: RegistryView, id: FunctionReference, version: string): void {
  if (version === "$LATEST") return;
  if (!view.versions.get(id, Number(version))) {
    throw functionNotFound(functionArn({ ...id, qualifier: version }));
  }
}

function aliasArn(id: FunctionReference, name: string): string {
  return functionArn({ ...id, qualifier: name });
}

function wholeArn(id: FunctionReference): string {
  return functionArn({ ...id, qualifier: undefined });
}
