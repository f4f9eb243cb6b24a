/** A request against the policy of the resource it is for. */
export interface PolicyRequest {
  /** `arn:aws:iam::<account>:root`, a user, a role's session; of a service its name, `s3.amazonaws.com`. */
  readonly principalArn: string;
  readonly accountId: string;
  readonly isService: boolean;
  /** `sqs:SendMessage`; compared without regard to case. */
  readonly action: string;
  readonly resourceArn: string;
  /** What the service acts for: `aws:SourceArn`, `aws:SourceAccount`. */
  readonly sourceArn?: string;
  readonly sourceAccount?: string;
}

/**
 * What a resource's policy says: a denial beats everything, and what nobody mentions is `silent`. Not a
 * policy that cannot be read, nor a statement with a condition on what we do not know (then an `Allow`
 * does not hold, and neither does a `Deny`).
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function readPolicyVerdict(
  policy: string | undefined,
  request: PolicyRequest,
): "allow" | "deny" | "silent" {
  const matching = statementsOf(policy).filter((statement) => matches(statement, request));
  if (matching.some((statement) => statement["Effect"] === "Deny")) return "deny";
  return matching.some((statement) => statement["Effect"] === "Allow") ? "allow" : "silent";
}

type Statement = Readonly<Record<string, unknown>>;

function statementsOf(policy: string | undefined): readonly Statement[] {
  if (policy === undefined) return [];
  try {
    const document: unknown = JSON.parse(policy);
    return isRecord(document) ? list(document["Statement"]).filter(isRecord) : [];
  } catch {
    return [];
  }
}

function matches(statement: Statement, request: PolicyRequest): boolean {
  const { action, resourceArn } = request;
  return (
    isNamed(statement, "Principal", (value) => isPrincipal(value, request)) &&
    isNamed(statement, "Action", (value) =>
      list(value).some((each) => isLike(String(each).toLowerCase(), action.toLowerCase())),
    ) &&
    isNamed(statement, "Resource", (value) =>
      list(value).some((each) => isLike(String(each), resourceArn)),
    ) &&
    conditionHolds(statement["Condition"], request)
  );
}

/** By the element itself, or by everything but `NotPrincipal`, `NotAction`, `NotResource`. */
function isNamed(
  statement: Statement,
  element: string,
  isMeant: (value: unknown) => boolean,
): boolean {
  if (statement[element] !== undefined) return isMeant(statement[element]);
  const others = statement[`Not${element}`];
  return others === undefined ? element === "Resource" : !isMeant(others);
}

function isPrincipal(value: unknown, request: PolicyRequest): boolean {
  if (value === "*") return true;
  if (!isRecord(value)) return false;
  if (request.isService) return list(value["Service"]).includes(request.principalArn);
  const { principalArn, accountId } = request;
  const names = ["*", accountId, `arn:aws:iam::${accountId}:root`, principalArn];
  return list(value["AWS"]).some((each) => names.includes(String(each)));
}

function conditionHolds(condition: unknown, request: PolicyRequest): boolean {
  if (condition === undefined) return true;
  if (!isRecord(condition)) return false;
  const known: Readonly<Record<string, string | undefined>> = {
    "aws:sourcearn": request.sourceArn,
    "aws:sourceaccount": request.sourceAccount,
    "aws:principalaccount": request.isService ? undefined : request.accountId,
    "aws:principalarn": request.isService ? undefined : request.principalArn,
  };
  return Object.entries(condition).every(
    ([operator, tests]) =>
      isRecord(tests) &&
      Object.entries(tests).every(([name, wanted]) =>
        holds(operator, list(wanted).map(String), known[name.toLowerCase()]),
      ),
  );
}

function holds(operator: string, wanted: readonly string[], actual: string | undefined): boolean {
  if (actual === undefined) return operator.endsWith("IfExists");
  switch (operator.replace(/IfExists$/, "")) {
    case "StringEquals":
      return wanted.includes(actual);
    case "StringEqualsIgnoreCase":
      return wanted.some((each) => each.toLowerCase() === actual.toLowerCase());
    case "StringNotEquals":
      return !wanted.includes(actual);
    case "StringLike":
    case "ArnLike":
    case "ArnEquals":
      return wanted.some((each) => isLike(each, actual));
    case "StringNotLike":
    case "ArnNotLike":
    case "ArnNotEquals":
      return !wanted.some((each) => isLike(each, actual));
    default:
      return false;
  }
}

/** `*` is any text, `?` any character; linear in practice, since at most the last star is gone back to. */
function isLike(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let place = 0; place < text.length;) {
    const wanted = pattern[at];
    if (wanted === "*") {
      star = at++;
      resume = place;
    } else if (wanted === "?" || wanted === text[place]) {
      at++;
      place++;
    } else if (star >= 0) {
      at = star + 1;
      place = ++resume;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(at));
}

function list(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as unknown[]) : [value]; // just checked
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
