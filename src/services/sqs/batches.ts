import type { BatchResultErrorEntry } from "@aws-sdk/client-sqs";
import { SQSServiceException } from "@aws-sdk/client-sqs";
import { emptyBatch, entryIdsNotDistinct, invalidEntryId, tooManyEntries } from "./errors.ts";
import { batchEntriesMax } from "./limits.ts";

/** What must hold of a batch as a whole. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html (Errors) */
export function checkBatch(
  operationName: string,
  entries: readonly { readonly Id: string | undefined }[],
): void {
  if (entries.length === 0) throw emptyBatch(operationName);
  if (entries.length > batchEntriesMax) throw tooManyEntries(entries.length);
  const seen = new Set<string>();
  for (const { Id: id = "" } of entries) {
    if (!/^[\w-]{1,80}$/.test(id)) throw invalidEntryId();
    if (seen.has(id)) throw entryIdsNotDistinct(id);
    seen.add(id);
  }
}

/** One entry's failure as the answer lists it; anything but a refusal fails the whole. */
function failedEntry(id: string, error: unknown): BatchResultErrorEntry {
  if (!(error instanceof SQSServiceException)) throw error;
  return { Id: id, SenderFault: true, Code: error.name, Message: error.message };
}

export interface EntryResults<T> {
  readonly Successful: T[];
  readonly Failed: BatchResultErrorEntry[];
}

/** Each entry by itself: a refused one does not touch the others. */
export function perEntry<E extends { readonly Id: string | undefined }, T>(
  entries: readonly E[],
  work: (entry: E) => T,
): EntryResults<T> {
  const results: EntryResults<T> = { Successful: [], Failed: [] };
  for (const entry of entries) {
    try {
      results.Successful.push(work(entry));
    } catch (error) {
      results.Failed.push(failedEntry(entry.Id ?? "", error));
    }
  }
  return results;
}
