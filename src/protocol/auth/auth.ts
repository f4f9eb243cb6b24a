import type { Clock } from "#base/clock.ts";
import type { Principal, RequestContext } from "#base/context.ts";
import { rootPrincipal } from "#protocol/protocol.ts";
import type { WireRequest } from "#protocol/wire/wire.ts";
import { queryPairs } from "./canonical.ts";
import { checkExpiry } from "./checks.ts";
import { glimpseCredential, glimpsePresigned, readClaim } from "./claim.ts";
import { createFormVerifier, type FormAuthentication, type UploadForm } from "./form.ts";
import { openPayload } from "./payload.ts";
import type { RefusalDialect } from "./refusal.ts";
import { refusal } from "./refusal.ts";
import { createVerifier } from "./verify.ts";

export { AuthenticationError } from "./authentication-error.ts";
export { glimpseCredential } from "./claim.ts";
export type { CredentialGlimpse } from "./claim.ts";
export type { FormAuthentication, UploadForm } from "./form.ts";
export type { RefusalDialect } from "./refusal.ts";

/** Looks a key up; `services/iam` satisfies it. */
export interface KeyStore {
  /**
   * Undefined when no such key exists (or it is inactive). Temporary keys are not stored anywhere:
   * they are found by the session token presented with them, which carries and proves all of it.
   */
  find(accessKeyId: string, sessionToken?: string): Promise<SigningKey | undefined>;
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

/** What the signature must be for, and how its service refuses. */
export interface AuthenticationTarget {
  /** The scope must name this service. */
  readonly signingName: string;
  /** Set when the host names a region; the scope must be of the same. */
  readonly region: string | undefined;
  readonly dialect: RefusalDialect;
  /** `mode`: allowed when open, refused when strict. `refuse`: must be signed in either mode. */
  readonly unsigned: "mode" | "refuse";
}

/** A clock of which somebody who signs by the system's need not know. */
export interface SigningTime {
  nowMs(): number;
  /** What it showed when the system's clock showed `realMs`. */
  shownAt(realMs: number): number;
}

export interface Authenticator {
  readonly mode: AuthenticationMode;
  /**
   * Throws `AuthenticationError` in the words of the target's service. The returned body must be
   * read to its end before anything is done with it: its last bytes may be what fails.
   */
  authenticate(request: WireRequest, target: AuthenticationTarget): Promise<Authentication>;
  /** Of a form that uploads an object: signed by its own fields. Throws like `authenticate`, as S3. */
  authenticateForm(form: UploadForm): Promise<FormAuthentication>;
}

export function createAuthenticator(deps: {
  readonly mode: AuthenticationMode;
  readonly keys: KeyStore;
  readonly clock: Clock;
  /** By which presigned requests expire in open mode, where it may have been moved; the clock above otherwise. */
  readonly time?: SigningTime;
  readonly defaultAccountId: string;
}): Authenticator {
  const verifier = createVerifier(deps);
  const forms = createFormVerifier({ ...deps, isStrict: deps.mode === "strict" });
  const time = deps.time ?? {
    nowMs: () => deps.clock.nowMs(),
    shownAt: (realMs: number) => realMs,
  };

  /** Nothing is verified but that a presigned link has not expired; known keys still say who calls. */
  async function trust(
    request: WireRequest,
    { dialect }: AuthenticationTarget,
  ): Promise<Authentication | undefined> {
    const glimpse = glimpseCredential(request);
    if (!glimpse) return undefined;
    const presigned = glimpsePresigned(request, dialect);
    if (presigned) {
      const signedAtMs = time.shownAt(presigned.signedAtMs);
      checkExpiry({ ...presigned, signedAtMs }, time.nowMs(), dialect);
    }
    const { accessKeyId, region, signingName } = glimpse;
    const key = issuedKeyForm.test(accessKeyId)
      ? await deps.keys.find(accessKeyId, presentedToken(request))
      : undefined;
    const accountId = accountForm.test(accessKeyId) ? accessKeyId : deps.defaultAccountId;
    return {
      principal: key?.principal ?? rootPrincipal(accountId),
      region,
      signingName,
      accessKeyId,
      request: openPayload(request),
    };
  }

  function unsigned(request: WireRequest, target: AuthenticationTarget): Authentication {
    if (target.unsigned === "refuse" || deps.mode === "strict") {
      throw refusal(target.dialect, "missing-token");
    }
    return {
      principal: rootPrincipal(deps.defaultAccountId),
      region: undefined,
      signingName: undefined,
      accessKeyId: undefined,
      request: openPayload(request),
    };
  }

  return {
    mode: deps.mode,
    authenticateForm: (form) => forms.verify(form),
    async authenticate(request, target) {
      if (deps.mode === "open") return (await trust(request, target)) ?? unsigned(request, target);
      const claim = readClaim(request, target.dialect);
      return claim ? verifier.verify(request, claim, target) : unsigned(request, target);
    },
  };
}

/** The session token beside the credentials, judged by nobody yet. */
function presentedToken(request: WireRequest): string | undefined {
  return (
    request.headers["x-amz-security-token"] ??
    queryPairs(request.rawQuery).find(([name]) => name === "X-Amz-Security-Token")?.[1]
  );
}

const accountForm = /^\d{12}$/;

/** Long-term and temporary key ids. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids */
const issuedKeyForm = /^A[KS]IA[A-Z0-9]{12,124}$/;
