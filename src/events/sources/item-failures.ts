/** Which records of a batch a function says it could not work on. */
export type ItemFailures =
  | { readonly kind: "none" }
  | { readonly kind: "all" }
  | { readonly kind: "some"; readonly ids: ReadonlySet<string> };

/**
 * Reads the answer of a function that reports item failures. An empty or null answer or list is success;
 * an answer that is not JSON, a list with an empty, null or misnamed identifier, or one that names a
 * record which is not in the batch is the failure of all
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting,
 * "Success and failure conditions"; the same for streams in services-ddb-batchfailurereporting.html).
 */
export function readItemFailures(payload: Uint8Array, ids: ReadonlySet<string>): ItemFailures {
  const text = Buffer.from(payload).toString("utf8").trim();
  if (text === "") return { kind: "none" };
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return { kind: "all" };
  }
  if (answer === null) return { kind: "none" };
  if (typeof answer !== "object" || Array.isArray(answer)) return { kind: "all" };
  const list: unknown = "batchItemFailures" in answer ? answer.batchItemFailures : null;
  if (list === null) return { kind: "none" };
  if (!Array.isArray(list)) return { kind: "all" };
  const failed = new Set<string>();
  for (const item of list as readonly unknown[]) {
    const id = identifierOf(item);
    if (id === undefined || !ids.has(id)) return { kind: "all" };
    failed.add(id);
  }
  return failed.size === 0 ? { kind: "none" } : { kind: "some", ids: failed };
}

function identifierOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null || !("itemIdentifier" in item)) return undefined;
  const id = item.itemIdentifier;
  return typeof id === "string" && id !== "" ? id : undefined;
}
