import type { EventAttribute } from "../events.ts";
import type { Branch } from "./compile.ts";
import { readJsonText } from "./json-text.ts";
import { policyBytesMax, policyCombinationsMax, policyKeysMax } from "./limits.ts";
import { compilePattern, matches } from "./pattern.ts";
import { PatternError } from "./pattern-error.ts";

/** Which messages of a topic a subscription wants. */
export interface FilterPolicy {
  /** `body`: the message's text; attributes count in one scope, the body in the other. */
  matches(message: {
    readonly body: string;
    readonly attributes: Readonly<Record<string, EventAttribute>>;
  }): boolean;
}

/**
 * A filter policy of SNS: EventBridge's operators over attributes or the body
 * (https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html), within its own limits.
 * Throws `PatternError`; its `reason` stands behind `Invalid parameter: FilterPolicy: `.
 */
export function compileFilterPolicy(
  source: string,
  scope: "MessageAttributes" | "MessageBody",
): FilterPolicy {
  if (Buffer.byteLength(source) > policyBytesMax)
    throw new PatternError("Filter policy is too large");
  if (scope === "MessageAttributes") checkFlat(source);
  const pattern = compilePattern(source);
  checkSize(pattern.branches);
  if (scope === "MessageBody") return { matches: ({ body }) => matches(pattern, parsed(body)) };
  return { matches: ({ attributes }) => matches(pattern, attributeView(attributes)) };
}

function checkFlat(source: string): void {
  const root = readJsonText(source);
  if (root.kind !== "object") return;
  if (root.entries.some(({ name, value }) => name !== "$or" && value.kind === "object"))
    throw new PatternError(
      "Filter policy scope MessageAttributes does not support nested filter policy",
    );
}

/**
 * The number of values of each key, times how deep the key lies, multiplied
 * (https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html).
 */
function checkSize(branches: readonly Branch[]): void {
  const keys = new Set(branches.flatMap((branch) => branch.map(({ path }) => path)));
  if (keys.size > policyKeysMax)
    throw new PatternError(`Filter policy can not have more than ${policyKeysMax} keys`);
  let combinations = 0;
  for (const branch of branches)
    combinations += branch.reduce(
      (product, { path, conditions }) => product * conditions.length * path.split(".").length,
      1,
    );
  if (combinations > policyCombinationsMax) throw new PatternError("Filter policy is too complex");
}

/** Arrays are a type of attribute (`String.Array`); binary attributes cannot be asked about. */
function attributeView(
  attributes: Readonly<Record<string, EventAttribute>>,
): Readonly<Record<string, unknown>> {
  const view: [string, unknown][] = [];
  for (const [name, { type, value }] of Object.entries(attributes)) {
    if (type === "String.Array") view.push([name, parsed(value) ?? value]);
    else if (type.startsWith("Number")) view.push([name, Number(value)]);
    else if (!type.startsWith("Binary")) view.push([name, value]);
  }
  return Object.fromEntries(view);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
