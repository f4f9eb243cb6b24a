/**
 * Whether a text is a policy IAM would accept, and its complaint when not. Pure. Grammar:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html; the sentences are
 * those users report from the real service (each seen 2026-11 in public issue trackers).
 */
export type PolicyKind = "managed" | "inline" | "session" | "trust";

/** The sentence of MalformedPolicyDocument, or undefined when the policy is well formed. */
export function policyProblem(text: string, kind: PolicyKind): string | undefined {
  // https://github.com/hashicorp/terraform/issues/11906: white space before the brace.
  if (/^\s/.test(text) && kind !== "trust") return "The policy failed legacy parsing";
  const parsed = parse(text);
  if (!isObject(parsed)) {
    return kind === "trust" ? "This policy contains invalid Json" : "Syntax errors in policy.";
  }
  return documentProblem(parsed, kind);
}

const topLevel = new Set(["Version", "Id", "Statement"]);
const versions = ["2008-10-17", "2012-10-17"];

function documentProblem(policy: Record<string, unknown>, kind: PolicyKind): string | undefined {
  const version = policy["Version"];
  if (Object.keys(policy).some((name) => !topLevel.has(name))) return syntax;
  if (version !== undefined && !versions.some((known) => known === version)) return syntax;
  if (kind === "managed" && version !== "2012-10-17") {
    return "Policy document must be version 2012-10-17 or greater.";
  }
  if (policy["Id"] !== undefined && typeof policy["Id"] !== "string") return syntax;
  const given = policy["Statement"];
  const statements: unknown[] = Array.isArray(given) ? given : [given];
  if (given === undefined || statements.length === 0) return syntax;
  for (const statement of statements) {
    if (!isObject(statement)) return syntax;
    const problem = kind === "trust" ? trustProblem(statement) : identityProblem(statement, kind);
    if (problem !== undefined) return problem;
  }
  return sidProblem(statements as Record<string, unknown>[], kind); // each was checked above
}

const syntax = "Syntax errors in policy.";
const statementMembers = new Set([
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
]);

/** What identity-based and trust statements have in common. */
function formProblem(statement: Record<string, unknown>): string | undefined {
  if (Object.keys(statement).some((name) => !statementMembers.has(name))) return syntax;
  if (statement["Effect"] !== "Allow" && statement["Effect"] !== "Deny") return syntax;
  if (statement["Sid"] !== undefined && typeof statement["Sid"] !== "string") return syntax;
  for (const member of ["Action", "NotAction", "Resource", "NotResource"]) {
    if (member in statement && !textsOf(statement[member])) return syntax;
  }
  if ("Action" in statement && "NotAction" in statement) return syntax;
  if ("Resource" in statement && "NotResource" in statement) return syntax;
  return conditionProblem(statement["Condition"]);
}

function identityProblem(statement: Record<string, unknown>, kind: PolicyKind): string | undefined {
  if ("Principal" in statement || "NotPrincipal" in statement) {
    return "Policy document should not specify a principal.";
  }
  const form = formProblem(statement);
  if (form !== undefined) return form;
  const actions = textsOf(statement["Action"] ?? statement["NotAction"]) ?? [];
  if (actions.length === 0) return "Policy statement must contain actions.";
  for (const action of actions) {
    const problem = actionProblem(action);
    if (problem !== undefined) return problem;
  }
  const resources = textsOf(statement["Resource"] ?? statement["NotResource"]) ?? [];
  if (resources.length === 0) return "Policy statement must contain resources.";
  for (const resource of resources) {
    const problem = resourceProblem(resource);
    if (problem !== undefined) return kind === "session" ? syntax : problem;
  }
  return undefined;
}

function actionProblem(action: string): string | undefined {
  if (action === "*") return undefined;
  const [vendor = "", ...rest] = action.split(":");
  if (rest.length === 0) {
    return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
  }
  if (rest.length > 1) return "Actions/Condition can contain only one colon.";
  return /^[\w.-]+$/.test(vendor) ? undefined : `Vendor ${vendor} is not valid`;
}

function resourceProblem(resource: string): string | undefined {
  if (resource === "*") return undefined;
  const [prefix, partition, ...rest] = resource.split(":");
  if (prefix !== "arn" || rest.length === 0) {
    return `Resource ${resource} must be in ARN format or "*".`;
  }
  if (!/^(\*|aws(-[a-z-]+)?)$/.test(partition ?? "")) {
    return `Partition "${partition}" is not valid for resource "${resource}".`;
  }
  // A wildcard may stand for the remaining parts: arn:aws:*.
  if (rest.length < 4 && !resource.endsWith("*")) return "The policy failed legacy parsing";
  return undefined;
}

function conditionProblem(condition: unknown): string | undefined {
  if (condition === undefined) return undefined;
  if (!isObject(condition)) return syntax;
  for (const [operator, keys] of Object.entries(condition)) {
    if (!operatorForm.test(operator) || !isObject(keys)) return syntax;
    for (const value of Object.values(keys)) {
      const values: unknown[] = Array.isArray(value) ? value : [value];
      if (values.some((one) => typeof one === "object" || one === undefined)) return syntax;
    }
  }
  return undefined;
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const operatorForm = new RegExp(
  "^((ForAllValues|ForAnyValue):)?" +
    "(String(Not)?(Equals|Like|EqualsIgnoreCase)|Numeric((Not)?Equals|(Less|Greater)Than(Equals)?)|" +
    "Date((Not)?Equals|(Less|Greater)Than(Equals)?)|Bool|BinaryEquals|(Not)?IpAddress|" +
    "Arn(Not)?(Equals|Like)|Null)(IfExists)?$",
  "i",
);

function trustProblem(statement: Record<string, unknown>): string | undefined {
  for (const member of ["Resource", "NotResource"]) {
    if (member in statement) return `Has prohibited field ${member}`;
  }
  if (!("Principal" in statement) && !("NotPrincipal" in statement)) {
    return "Missing required field Principal";
  }
  if (!("Action" in statement) && !("NotAction" in statement)) {
    return "Missing required field Action";
  }
  const form = formProblem(statement);
  if (form !== undefined) return form;
  const actions = textsOf(statement["Action"] ?? statement["NotAction"]) ?? [];
  if (actions.some((action) => action !== "*" && !/^sts:/i.test(action))) {
    return "AssumeRole policy may only specify STS AssumeRole actions.";
  }
  return principalProblem(statement["Principal"] ?? statement["NotPrincipal"]);
}

const principalForms: Readonly<Record<string, RegExp>> = {
  AWS: /^(\*|\d{12}|arn:aws[a-z-]*:(iam|sts)::(\d{12}|\*):.+|A[A-Z]{3}[A-Z2-7]{12,})$/,
  Service: /^[\w-]+(\.[\w-]+)+$/,
  Federated: /^(arn:aws[a-z-]*:iam::\d{12}:(saml|oidc)-provider\/.+|[\w-]+(\.[\w-]+)+)$/,
  CanonicalUser: /^[0-9a-f]{64}$/,
};

function principalProblem(principal: unknown): string | undefined {
  if (principal === "*") return undefined;
  if (!isObject(principal)) return "This policy contains invalid Json";
  for (const [type, value] of Object.entries(principal)) {
    const form = principalForms[type];
    if (!form) return syntax;
    for (const one of textsOf(value) ?? [String(value)]) {
      const shown = type === "AWS" ? type : type.toUpperCase();
      if (!form.test(one)) return `Invalid principal in policy: "${shown}":"${one}"`;
    }
  }
  return undefined;
}

function sidProblem(
  statements: readonly Record<string, unknown>[],
  kind: PolicyKind,
): string | undefined {
  const seen = new Set<unknown>();
  for (const { Sid } of statements) {
    if (typeof Sid !== "string" || Sid === "") continue;
    if (kind !== "trust" && !/^[0-9A-Za-z]*$/.test(Sid)) {
      return (
        "Statement IDs (SID) must be alpha-numeric. " +
        "Check that your input satisfies the regular expression [0-9A-Za-z]*"
      );
    }
    if (seen.has(Sid)) return "Statement IDs (SID) in a single policy must be unique.";
    seen.add(Sid);
  }
  return undefined;
}

/** A text or a list of texts as a list; undefined when it is neither. */
function textsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined) return [];
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.every((one) => typeof one === "string") ? values : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
