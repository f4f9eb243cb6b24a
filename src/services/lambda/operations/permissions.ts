import { uuid } from "#base/ids.ts";
import type { FunctionReference, RegistryView } from "#functions/registry/registry.ts";
import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { functionNotFound, invalid, notFound, nothingThere, staleRevision } from "../errors.ts";
import { functionStatement, policyDocument, statementsWithout, withStatement } from "../policy.ts";
import { policies, type PolicyRecord } from "../records.ts";
import { functionArn, functionReference, isVersionNumber } from "../reference.ts";
import { entryAt } from "./functions.ts";

/** AddPermission, RemovePermission, GetPolicy: one document per function, version and alias. */
export function permissionOperations(scope: LambdaScope) {
  return {
    addPermission: addPermission(scope),
    removePermission: removePermission(scope),
    getPolicy: getPolicy(scope),
  };
}

function addPermission(scope: LambdaScope): LambdaHandler<"AddPermission"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    if (id.qualifier === "$LATEST") {
      throw invalid("We currently do not support adding policies for $LATEST.");
    }
    if (input.FunctionUrlAuthType !== undefined && input.Action !== "lambda:InvokeFunctionUrl") {
      throw invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action");
    }
    const statement = functionStatement(input, functionArn(id));
    await scope.registry.write((edit) => {
      const before = policyAt(edit, id);
      checkRevision(before, input.RevisionId);
      const after = withStatement(before, statement, uuid(scope.random));
      policies.put(edit.tx, { id, sub: subOf(id) }, after);
    });
    scope.cache.forget();
    return { Statement: JSON.stringify(statement) };
  };
}

function removePermission(scope: LambdaScope): LambdaHandler<"RemovePermission"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    const sub = subOf(id);
    await scope.registry.write((edit) => {
      if (!edit.functions.get(id)) {
        throw notFound(`No policy found for: ${functionArn({ ...id, qualifier: undefined })}`);
      }
      const before = policyAt(edit, id);
      if (!before) throw notFound("No policy is associated with the given resource.");
      const statements = statementsWithout(before, input.StatementId);
      checkRevision(before, input.RevisionId);
      if (statements.length === 0) policies.remove(edit.tx, id, sub);
      else policies.put(edit.tx, { id, sub }, { revisionId: uuid(scope.random), statements });
    });
    scope.cache.forget();
    return {};
  };
}

function getPolicy(scope: LambdaScope): LambdaHandler<"GetPolicy"> {
  return async (input, context) => {
    const id = functionReference(input.FunctionName, input.Qualifier, context);
    const record = await scope.registry.read((view) => policyAt(view, id));
    if (!record) throw nothingThere();
    return { Policy: policyDocument(record), RevisionId: record.revisionId };
  };
}

/** The policy of something that must exist. */
function policyAt(view: RegistryView, id: FunctionReference): PolicyRecord | undefined {
  entryAt(view, id);
  const { qualifier } = id;
  if (qualifier !== undefined && isVersionNumber(qualifier)) {
    if (!view.versions.get(id, Number(qualifier))) throw functionNotFound(functionArn(id));
  } else if (qualifier !== undefined && qualifier !== "$LATEST") {
    if (!view.aliases.get(id, qualifier)) {
      throw notFound(`Cannot find alias arn: ${functionArn(id)}`);
    }
  }
  return policies.get(view.reader, id, subOf(id));
}

/** `$LATEST` has the function's own policy. */
function subOf({ qualifier }: FunctionReference): string {
  return qualifier === undefined || qualifier === "$LATEST" ? "" : qualifier;
}

function checkRevision(before: PolicyRecord | undefined, revisionId: string | undefined): void {
  if (revisionId !== undefined && revisionId !== before?.revisionId) {
    throw staleRevision("GetPolicy");
  }
}
