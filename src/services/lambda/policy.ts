import { PolicyLengthExceededException } from "@aws-sdk/client-lambda";
import { type DeliveryOrigin, readPolicyVerdict } from "#events/events.ts";
import type { Input } from "./dependencies.ts";
import { conflict, invalid, notFound } from "./errors.ts";
import { policyBytesMax } from "./limits.ts";
import type { PolicyRecord, Statement } from "./records.ts";

/** The statement AddPermission writes, conditions and order as the service's. */
export function functionStatement(input: Input<"AddPermission">, resourceArn: string): Statement {
  const condition = conditionOf(input);
  return {
    Sid: input.StatementId,
    Effect: "Allow",
    Principal: principalOf(input.Principal),
    Action: input.Action,
    Resource: resourceArn,
    ...(Object.keys(condition).length === 0 ? {} : { Condition: condition }),
  };
}

/** Services by name, accounts as their root, `*` as it is, other ARNs as AWS principals. */
function principalOf(principal: string): Statement["Principal"] {
  if (principal === "*") return "*";
  if (/^\d{12}$/.test(principal)) return { AWS: `arn:aws:iam::${principal}:root` };
  if (/^arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:./.test(principal)) return { AWS: principal };
  if (principal.includes(".")) return { Service: principal };
  throw invalid("The provided principal was invalid. Please check the principal and try again.");
}

type Conditions = Record<string, Record<string, string>>;

function conditionOf(input: Input<"AddPermission">): Conditions {
  const equals: Record<string, string> = {};
  if (input.SourceAccount !== undefined) equals["AWS:SourceAccount"] = input.SourceAccount;
  if (input.PrincipalOrgID !== undefined) equals["aws:PrincipalOrgID"] = input.PrincipalOrgID;
  if (input.FunctionUrlAuthType !== undefined) {
    equals["lambda:FunctionUrlAuthType"] = input.FunctionUrlAuthType;
  }
  if (input.EventSourceToken !== undefined) {
    equals["lambda:EventSourceToken"] = input.EventSourceToken;
  }
  const conditions: Conditions = {};
  if (Object.keys(equals).length > 0) conditions["StringEquals"] = equals;
  if (input.InvokedViaFunctionUrl !== undefined) {
    conditions["Bool"] = { "lambda:InvokedViaFunctionUrl": String(input.InvokedViaFunctionUrl) };
  }
  if (input.SourceArn !== undefined) {
    conditions["ArnLike"] = { "AWS:SourceArn": input.SourceArn };
  }
  return conditions;
}

export function layerStatement(
  input: Input<"AddLayerVersionPermission">,
  resourceArn: string,
): Statement {
  const organisation = input.OrganizationId;
  const isAccount = /^\d{12}$/.test(input.Principal);
  return {
    Sid: input.StatementId,
    Effect: "Allow",
    Principal:
      input.Principal === "*"
        ? "*"
        : { AWS: isAccount ? `arn:aws:iam::${input.Principal}:root` : input.Principal },
    Action: input.Action,
    Resource: resourceArn,
    ...(organisation === undefined
      ? {}
      : { Condition: { StringEquals: { "aws:PrincipalOrgID": organisation } } }),
  };
}

/** The document as GetPolicy returns it; too long a one is refused when it would be written. */
export function policyDocument(record: PolicyRecord): string {
  const document = { Version: "2012-10-17", Id: "default", Statement: record.statements };
  return JSON.stringify(document);
}

/** Whether a service may invoke the function for what it acts for: a bucket, a topic, a rule. */
export function allowsInvocation(
  record: PolicyRecord | undefined,
  origin: DeliveryOrigin,
  resourceArn: string,
): boolean {
  if (!record) return false;
  const verdict = readPolicyVerdict(policyDocument(record), {
    principalArn: origin.service,
    accountId: origin.accountId,
    isService: true,
    action: "lambda:InvokeFunction",
    resourceArn,
    sourceArn: origin.arn,
    sourceAccount: origin.accountId,
  });
  return verdict === "allow";
}

/** The policy with one statement more, under a new revision; its id must be new and the whole not too long. */
export function withStatement(
  before: PolicyRecord | undefined,
  statement: Statement,
  revisionId: string,
): PolicyRecord {
  const statements = before?.statements ?? [];
  if (statements.some(({ Sid: sid }) => sid === statement.Sid)) {
    throw conflict(
      `The statement id (${statement.Sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
    );
  }
  const after = { revisionId, statements: [...statements, statement] };
  checkPolicyLength(after);
  return after;
}

/** What is left without the statement, which must be there; a policy of none is to be removed. */
export function statementsWithout(
  before: PolicyRecord | undefined,
  statementId: string,
): PolicyRecord["statements"] {
  const statements = before?.statements ?? [];
  const left = statements.filter(({ Sid: sid }) => sid !== statementId);
  if (left.length < statements.length) return left;
  throw notFound(`Statement ${statementId} is not found in resource policy.`);
}

function checkPolicyLength(record: PolicyRecord): void {
  const byteCount = Buffer.byteLength(policyDocument(record));
  if (byteCount <= policyBytesMax) return;
  throw new PolicyLengthExceededException({
    message: `The final policy size (${byteCount}) is bigger than the limit (${policyBytesMax}).`,
    Type: "User",
    $metadata: {},
  });
}

/** Whether a statement without conditions names the account or everyone. */
export function allowsPrincipal(record: PolicyRecord | undefined, accountId: string): boolean {
  const root = `arn:aws:iam::${accountId}:root`;
  return (record?.statements ?? []).some(
    ({ Principal: principal, Condition: condition }) =>
      !condition &&
      (principal === "*" || (typeof principal === "object" && principal["AWS"] === root)),
  );
}

/** Anyone may call the function's URL: what an open URL needs besides its auth type NONE. */
export function allowsPublicUrl(record: PolicyRecord | undefined): boolean {
  return (record?.statements ?? []).some((statement) => {
    const { Principal: principal, Action: action, Condition: condition } = statement;
    const isPublic =
      principal === "*" || (typeof principal === "object" && principal["AWS"] === "*");
    const isForUrls = ["lambda:InvokeFunctionUrl", "lambda:*", "*"].includes(action);
    return isPublic && isForUrls && isMetByPublicUrl(condition);
  });
}

/** A condition on the auth type is met by an open URL; any other needs a caller we do not know. */
function isMetByPublicUrl(condition: Statement["Condition"]): boolean {
  const wanted = Object.entries(condition ?? {}).flatMap(([operator, values]) =>
    Object.entries(values).map(([name, value]) => `${operator} ${name} ${value}`),
  );
  return wanted.every((each) => each === "StringEquals lambda:FunctionUrlAuthType NONE");
}
