import { uuid } from "#base/ids.ts";
import type { RequestContext } from "#base/context.ts";
import type { RegistryView } from "#functions/registry/registry.ts";
import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { accessDenied, notFound, staleRevision } from "../errors.ts";
import { layerStatement, policyDocument, statementsWithout, withStatement } from "../policy.ts";
import { layerPolicies, type PolicyRecord } from "../records.ts";
import {
  layerArn,
  layerReference,
  type LayerReferenceParts,
  layerVersionArn,
} from "../reference.ts";

/** Who else may use a layer version: Add-, Remove- and GetLayerVersionPermission/Policy. */
export function layerPermissionOperations(scope: LambdaScope) {
  return {
    addLayerVersionPermission: addLayerVersionPermission(scope),
    removeLayerVersionPermission: removeLayerVersionPermission(scope),
    getLayerVersionPolicy: getLayerVersionPolicy(scope),
  };
}

function addLayerVersionPermission(scope: LambdaScope): LambdaHandler<"AddLayerVersionPermission"> {
  return async (input, context) => {
    const id = ownLayer(input.LayerName, input.VersionNumber, context);
    const statement = layerStatement(input, layerVersionArn(id));
    const record = await scope.registry.write((edit) => {
      const before = policyAt(edit, id, input.RevisionId);
      const after = withStatement(before, statement, uuid(scope.random));
      layerPolicies.put(edit.tx, { id, sub: String(id.version) }, after);
      return after;
    });
    return { Statement: JSON.stringify(statement), RevisionId: record.revisionId };
  };
}

function removeLayerVersionPermission(
  scope: LambdaScope,
): LambdaHandler<"RemoveLayerVersionPermission"> {
  return async (input, context) => {
    const id = ownLayer(input.LayerName, input.VersionNumber, context);
    await scope.registry.write((edit) => {
      const before = policyAt(edit, id, input.RevisionId);
      const statements = statementsWithout(before, input.StatementId);
      const sub = String(id.version);
      if (statements.length === 0) layerPolicies.remove(edit.tx, id, sub);
      else layerPolicies.put(edit.tx, { id, sub }, { revisionId: uuid(scope.random), statements });
    });
    return {};
  };
}

function getLayerVersionPolicy(scope: LambdaScope): LambdaHandler<"GetLayerVersionPolicy"> {
  return async (input, context) => {
    const id = ownLayer(input.LayerName, input.VersionNumber, context);
    const record = await scope.registry.read((view) => policyAt(view, id, undefined));
    if (!record) throw notFound("No policy is associated with the given resource.");
    return { Policy: policyDocument(record), RevisionId: record.revisionId };
  };
}

function ownLayer(
  name: string,
  version: number,
  context: RequestContext,
): LayerReferenceParts & { readonly version: number } {
  const id = { ...layerReference(name, context), version };
  if (id.accountId !== context.principal.accountId) {
    throw accessDenied(context.principal.arn, "lambda:AddLayerVersionPermission", layerArn(id));
  }
  return id;
}

function policyAt(
  view: RegistryView,
  id: LayerReferenceParts & { readonly version: number },
  revisionId: string | undefined,
): PolicyRecord | undefined {
  if (!view.layers.get(id, id.version)) {
    throw notFound(`Layer version ${layerVersionArn(id)} does not exist.`);
  }
  const record = layerPolicies.get(view.reader, id, String(id.version));
  if (revisionId !== undefined && revisionId !== record?.revisionId) {
    throw staleRevision("GetLayerPolicy");
  }
  return record;
}
