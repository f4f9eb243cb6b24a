import { hash } from "node:crypto";
import type { StoredAttribute } from "./records.ts";

export function md5(text: string | Uint8Array): string {
  return hash("md5", text);
}

/** SDKs compare it with their own: undefined when there are no attributes. */
export function md5OfAttributes(
  attributes: Readonly<Record<string, StoredAttribute>> | undefined,
): string | undefined {
  const names = Object.keys(attributes ?? {});
  if (!attributes || names.length === 0) return undefined;
  // Names are ASCII, for which the order of UTF-16 units is the order of bytes.
  const parts = names.toSorted(byCode).flatMap((name) => {
    const { type = "", value = "" } = attributes[name] ?? {};
    const isBinary = type.startsWith("Binary");
    const bytes = Buffer.from(value, isBinary ? "base64" : "utf8");
    return [
      ...sized(name),
      ...sized(type),
      kindByte[isBinary ? "binary" : "text"],
      ...sized(bytes),
    ];
  });
  return md5(Buffer.concat(parts));
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html (MD5 of attributes) */
const kindByte = { text: Uint8Array.of(1), binary: Uint8Array.of(2) } as const;

function sized(value: string | Uint8Array): readonly Uint8Array[] {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.byteLength);
  return [size, bytes];
}

function byCode(left: string, right: string): number {
  return left < right ? -1 : 1;
}
