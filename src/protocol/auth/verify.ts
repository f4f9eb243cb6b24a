import { timingSafeEqual } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { WireRequest } from "#protocol/wire/wire.ts";
import type { Authentication, AuthenticationTarget, KeyStore } from "./auth.ts";
import { canonicalRequest, stringToSign } from "./canonical.ts";
import { checkScope, checkSignedHeaders, checkTime } from "./checks.ts";
import type { Claim } from "./claim.ts";
import { readPayload } from "./payload.ts";
import { refusal } from "./refusal.ts";
import { createSigningKeys, formatScope, sameSignature } from "./signing-keys.ts";

/** Holds a claim against the key it names. */
export interface Verifier {
  /** In the order of the real services: time, headers, scope, key, signature, token. */
  verify(request: WireRequest, claim: Claim, target: AuthenticationTarget): Promise<Authentication>;
}

export function createVerifier(deps: { readonly keys: KeyStore; readonly clock: Clock }): Verifier {
  const signingKeys = createSigningKeys();
  return {
    async verify(request, claim, target) {
      const { dialect } = target;
      const nowMs = deps.clock.nowMs();
      checkTime(claim, nowMs, dialect);
      checkSignedHeaders(request, claim, dialect);
      checkScope(claim, target);
      const key = await deps.keys.find(claim.accessKeyId, claim.sessionToken);
      if (!key) throw refusal(dialect, "unknown-key");
      const scope = formatScope(claim.scope);
      const payload = await readPayload(request, claim, dialect);
      const canonical = canonicalRequest(request, {
        signedHeaders: claim.signedHeaders,
        payloadHash: payload.hash,
        pathRule: dialect === "s3" ? "verbatim" : "normalise",
      });
      const sign = (text: string): string =>
        signingKeys.sign(key.secretAccessKey, claim.scope, text);
      const expected = sign(stringToSign(canonical, claim.amzDate, scope));
      if (!sameSignature(expected, claim.signature)) throw refusal(dialect, "mismatch");
      if (!sameToken(key.sessionToken, claim.sessionToken)) throw refusal(dialect, "wrong-token");
      if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs) {
        throw refusal(dialect, "expired-token");
      }
      return {
        principal: key.principal,
        region: claim.scope.region,
        signingName: claim.scope.service,
        accessKeyId: claim.accessKeyId,
        request: payload.open({ seedSignature: expected, amzDate: claim.amzDate, scope, sign }),
      };
    },
  };
}

function sameToken(expected: string | undefined, presented: string | undefined): boolean {
  if (expected === undefined || presented === undefined) return expected === presented;
  const a = Buffer.from(expected);
  const b = Buffer.from(presented);
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}
