import { parseArn } from "#base/arn.ts";
import type { RequestContext } from "#base/context.ts";
import { invalidParameter, queueDoesNotExist } from "./errors.ts";
import type { QueueAddress } from "./records.ts";

const nameForm = /^[\w-]{1,80}$/;
const fifoNameForm = /^[\w-]{1,75}\.fifo$/;

/** Whether it may be the name of a queue at all. */
export function isQueueName(name: string): boolean {
  return nameForm.test(name) || fifoNameForm.test(name);
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html (QueueName) */
export function checkNewName(name: string, isFifo: boolean): void {
  if (isFifo && !fifoNameForm.test(name)) {
    throw invalidParameter(
      "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
    );
  }
  if (!isFifo && !nameForm.test(name)) {
    throw invalidParameter(
      "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    );
  }
}

/** As the caller reached us: `http://localhost:4566/000000000000/name`. */
export function queueUrl(queue: QueueAddress, { endpoint }: RequestContext): string {
  return `${endpoint}/${queue.accountId}/${queue.name}`;
}

export function queueArn({ region, accountId, name }: QueueAddress): string {
  return `arn:aws:sqs:${region}:${accountId}:${name}`;
}

/** Undefined when it is no ARN of a queue. */
export function addressOfArn(text: string): QueueAddress | undefined {
  const arn = parseArn(text);
  if (arn?.service !== "sqs" || !isQueueName(arn.resource)) return undefined;
  return { accountId: arn.accountId, region: arn.region, name: arn.resource };
}

const addressesMax = 1_000;
const addresses = new Map<string, QueueAddress>();

/**
 * The queue behind whatever is sent as its URL: any host, `/account/name`, `/queue/region/account/name`,
 * a bare path, a bare name. Region: the path's, the host's (`sqs.<region>.…`, `<region>.queue.…`), else
 * the request's, because our own hosts carry none.
 */
export function addressOfUrl(url: string, context: RequestContext): QueueAddress {
  const { accountId } = context.principal;
  const id = `${context.region} ${accountId} ${url}`;
  const known = addresses.get(id);
  if (known) return known;
  const address = readUrl(url, { accountId, region: context.region });
  if (!address) throw queueDoesNotExist();
  if (addresses.size >= addressesMax) addresses.clear();
  addresses.set(id, address);
  return address;
}

function readUrl(
  url: string,
  fallback: { readonly accountId: string; readonly region: string },
): QueueAddress | undefined {
  const [, host = "", path = ""] = /^(?:https?:\/\/([^/]*))?(.*)$/s.exec(url) ?? [];
  const parts = path.split("/").filter((part) => part !== "");
  const name = parts.at(-1) ?? "";
  if (!isQueueName(name)) return undefined;
  const accountId = parts.at(-2) ?? fallback.accountId;
  if (!/^\d{12}$/.test(accountId)) return undefined;
  const inPath = parts.length === 4 && parts[0] === "queue" ? parts[1] : undefined;
  if (parts.length > 2 && inPath === undefined) return undefined;
  return { accountId, region: inPath ?? regionOfHost(host) ?? fallback.region, name };
}

/** https://docs.aws.amazon.com/general/latest/gr/sqs-service.html (endpoints, legacy ones too) */
function regionOfHost(host: string): string | undefined {
  const region = String.raw`[a-z]{2}(?:-[a-z]+)+-\d`;
  const form = new RegExp(`^(?:sqs(?:-fips)?\\.(${region})|(${region})\\.queue)\\.`);
  const found = form.exec(host);
  return found?.[1] ?? found?.[2];
}
