import { createHmac, timingSafeEqual } from "node:crypto";
import { signingKeysMax } from "./limits.ts";

/** Derived keys, kept because each costs four HMACs and serves a whole day. */
export interface SigningKeys {
  /** Lower-case hexadecimal HMAC of `text` under the key of this secret, day, region and service. */
  sign(secretAccessKey: string, scope: CredentialScope, text: string): string;
}

export interface CredentialScope {
  /** `YYYYMMDD` */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** `aws4_request` */
  readonly terminator: string;
}

export function formatScope(scope: CredentialScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/${scope.terminator}`;
}

/** Bounded: the key used longest ago goes first. */
export function createSigningKeys(): SigningKeys {
  const keys = new Map<string, Buffer>();
  return {
    sign(secretAccessKey, scope, text) {
      const id = `${formatScope(scope)}\n${secretAccessKey}`;
      let key = keys.get(id);
      if (key) keys.delete(id);
      else key = deriveKey(secretAccessKey, scope);
      keys.set(id, key);
      const oldest = keys.size > signingKeysMax ? keys.keys().next().value : undefined;
      if (oldest !== undefined) keys.delete(oldest);
      return createHmac("sha256", key).update(text, "latin1").digest("hex");
    },
  };
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#derive-signing-key */
function deriveKey(secretAccessKey: string, scope: CredentialScope): Buffer {
  let key = Buffer.from(`AWS4${secretAccessKey}`, "utf8");
  for (const part of [scope.date, scope.region, scope.service, scope.terminator]) {
    key = createHmac("sha256", key).update(part).digest();
  }
  return key;
}

const signatureForm = /^[0-9a-f]{64}$/;

/** Takes the same time wherever two well-formed signatures differ. */
export function sameSignature(expected: string, presented: string): boolean {
  if (!signatureForm.test(presented)) return false;
  return timingSafeEqual(Buffer.from(expected, "latin1"), Buffer.from(presented, "latin1"));
}
