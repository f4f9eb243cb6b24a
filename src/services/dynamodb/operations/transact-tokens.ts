import { key } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { Transaction } from "#storage/storage.ts";
import { tokenMismatch } from "../errors.ts";
import { expiryCodec, expiryKeys, tokenStorageId } from "../items/expiry.ts";
import { transactionTokenMs } from "../limits.ts";
import type { Place } from "../tables/tables.ts";

/** The ClientRequestToken of a transaction that was carried out. */
interface TokenRecord {
  /** Of the parameters. */
  readonly fingerprint: string;
  readonly untilMs: number;
}

const tokenCodec = recordCodec<TokenRecord>(1);

/**
 * In the transaction itself: what was committed is never done twice with the same token, for ten minutes. False
 * when it was done already; throws IdempotentParameterMismatchException when that was with other parameters.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html (ClientRequestToken)
 */
export function rememberToken(
  tx: Transaction,
  asked: Place & { readonly token: string; readonly fingerprint: string },
  nowMs: number,
): boolean {
  const { accountId, region, token, fingerprint } = asked;
  const at = key("dynamodb", "token", accountId, region, token);
  const bytes = tx.get(at);
  const known = bytes && tokenCodec.decode(bytes);
  if (known && known.untilMs > nowMs) {
    if (known.fingerprint !== fingerprint) throw tokenMismatch();
    return false;
  }
  const untilMs = nowMs + transactionTokenMs;
  tx.put(at, tokenCodec.encode({ fingerprint, untilMs }));
  const dueSeconds = Math.ceil(untilMs / 1_000);
  const mark = expiryCodec.encode({ accountId, region, tableName: "" });
  tx.put(expiryKeys.item(dueSeconds, tokenStorageId, at), mark);
  return true;
}
