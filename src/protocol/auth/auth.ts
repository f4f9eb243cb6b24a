import type { Principal, RequestContext } from "#base/context.ts";
import type { WireRequest } from "#protocol/wire/wire.ts";

/** Looks a key up; `services/iam` satisfies it. */
export interface KeyStore {
  /** Undefined when no such key exists (or it is inactive). */
  find(accessKeyId: string): Promise<SigningKey | undefined>;
}

export interface SigningKey {
  readonly secretAccessKey: string;
  /** Temporary credentials must present exactly this. */
  readonly sessionToken: string | undefined;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number | undefined;
  readonly principal: Principal;
}

/** Decides whether `principal` may; `services/iam` will satisfy it. */
export interface Authorizer {
  authorize(
    question: { readonly action: string; readonly resource: string },
    context: RequestContext,
  ): Promise<{ readonly allowed: boolean; readonly reason: string }>;
}

/** Who sent a request and for which service and region it was signed. */
export interface Authentication {
  readonly principal: Principal;
  /** From the credential scope; undefined on an unsigned request. */
  readonly region: string | undefined;
  readonly signingName: string | undefined;
  readonly accessKeyId: string | undefined;
  /** The body, with chunk signatures and trailers verified and removed as it is read. */
  readonly request: WireRequest;
}

/**
 * `open`: any credentials, a 12-digit key id names the account; signatures of known keys are still
 * not required to match. `strict`: every request must carry a valid Signature Version 4.
 */
export type AuthenticationMode = "open" | "strict";

/** Refusals carry the service's own code and message (`SignatureDoesNotMatch`, `ExpiredToken`, …). */
export class AuthenticationError extends Error {
  override readonly name = "AuthenticationError";
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 403) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
