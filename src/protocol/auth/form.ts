import type { Clock } from "#base/clock.ts";
import type { Principal } from "#base/context.ts";
import { rootPrincipal } from "#protocol/protocol.ts";
import { AuthenticationError } from "./authentication-error.ts";
import type { KeyStore } from "./auth.ts";
import { refusal } from "./refusal.ts";
import { createSigningKeys, sameSignature } from "./signing-keys.ts";

/** The fields of a form that uploads an object; names in lower case, `bucket` among them. */
export type UploadForm = ReadonlyMap<string, string>;

/** Who sent a form, and how large its file may be. */
export interface FormAuthentication {
  /** The default account's root where nothing was signed or signatures do not count. */
  readonly principal: Principal;
  readonly region: string | undefined;
  /** Inclusive, in bytes. */
  readonly lengthRange: { readonly min: number; readonly max: number } | undefined;
}

export interface FormVerifier {
  /** Errors: `AuthenticationError` in the words of S3. */
  verify(form: UploadForm): Promise<FormAuthentication>;
}

/**
 * Forms are signed by the policy in them, which says what their other fields may be.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html (seen 2026-11)
 * `isStrict`: without it the signature is not looked at; the policy is, in either case.
 */
export function createFormVerifier(deps: {
  readonly keys: KeyStore;
  readonly clock: Clock;
  readonly isStrict: boolean;
  readonly defaultAccountId: string;
}): FormVerifier {
  const signingKeys = createSigningKeys();

  async function whoSigned(form: UploadForm, policy: string): Promise<Principal> {
    const [accessKeyId = "", date = "", region = "", service = "", terminator = ""] = (
      form.get("x-amz-credential") ?? ""
    ).split("/");
    const scope = { date, region, service, terminator };
    if (form.get("x-amz-algorithm") !== "AWS4-HMAC-SHA256" || service !== "s3") {
      throw denied("Only AWS4-HMAC-SHA256 is supported, for the service s3.");
    }
    const token = form.get("x-amz-security-token");
    const key = await deps.keys.find(accessKeyId, token);
    if (!key) throw refusal("s3", "unknown-key");
    const expected = signingKeys.sign(key.secretAccessKey, scope, policy);
    if (!sameSignature(expected, form.get("x-amz-signature") ?? "")) {
      throw refusal("s3", "mismatch");
    }
    if (key.sessionToken !== token) throw refusal("s3", "wrong-token");
    if (key.expiresAtMs !== undefined && key.expiresAtMs <= deps.clock.nowMs()) {
      throw refusal("s3", "expired-token");
    }
    return key.principal;
  }

  return {
    async verify(form) {
      const policy = form.get("policy");
      if (policy === undefined) {
        if (deps.isStrict) throw refusal("s3", "missing-token");
        const principal = rootPrincipal(deps.defaultAccountId);
        return { principal, region: undefined, lengthRange: undefined };
      }
      const principal = deps.isStrict
        ? await whoSigned(form, policy)
        : rootPrincipal(deps.defaultAccountId);
      const lengthRange = checkPolicy(policy, form, deps.clock.nowMs());
      const region = form.get("x-amz-credential")?.split("/")[2];
      return { principal, region, lengthRange };
    },
  };
}

function denied(message: string): AuthenticationError {
  return new AuthenticationError("AccessDenied", message, 403);
}

function checkPolicy(
  policy: string,
  form: UploadForm,
  nowMs: number,
): FormAuthentication["lengthRange"] {
  const { expiration, conditions } = parsePolicy(policy);
  if (expiration <= nowMs) throw denied("Invalid according to Policy: Policy expired.");
  let lengthRange: FormAuthentication["lengthRange"];
  const named = new Set(unconditional);
  for (const condition of conditions) {
    const [kind, name, value] = normalised(condition);
    if (kind === "content-length-range") {
      lengthRange = { min: Number(name), max: Number(value) };
      continue;
    }
    const field = String(name).replace(/^\$/, "").toLowerCase();
    named.add(field);
    const found = form.get(field) ?? "";
    const holds = kind === "eq" ? found === value : found.startsWith(String(value));
    if (holds) continue;
    throw denied(
      `Invalid according to Policy: Policy Condition failed: ${JSON.stringify([kind, `$${field}`, value])}`,
    );
  }
  const extra = [...form.keys()].find((name) => !named.has(name) && !name.startsWith("x-ignore-"));
  if (extra !== undefined) {
    throw denied(`Invalid according to Policy: Extra input fields: ${extra}`);
  }
  return lengthRange;
}

/** The last two are of Signature Version 2, which old clients still put into forms; it proves nothing here. */
const unconditional = [
  "policy",
  "x-amz-signature",
  "file",
  "bucket",
  "awsaccesskeyid",
  "signature",
];

type Condition = readonly [kind: string, name: unknown, value: unknown];

function normalised(condition: unknown): Condition {
  if (Array.isArray(condition) && condition.length === 3) {
    const [kind, name, value] = condition as [unknown, unknown, unknown]; // three, as just counted
    const known = ["eq", "starts-with", "content-length-range"];
    const lower = String(kind).toLowerCase();
    if (known.includes(lower)) return [lower, name, value];
  } else if (typeof condition === "object" && condition !== null) {
    const [only, ...others] = Object.entries(condition as Record<string, unknown>); // a JSON object
    if (only && others.length === 0) return ["eq", `$${only[0]}`, only[1]];
  }
  throw invalidPolicy();
}

function parsePolicy(policy: string): {
  readonly expiration: number;
  readonly conditions: readonly unknown[];
} {
  try {
    const text = Buffer.from(policy, "base64").toString("utf8");
    const { expiration, conditions } = JSON.parse(text) as Record<string, unknown>; // checked below
    const expirationMs = Date.parse(String(expiration));
    if (Number.isNaN(expirationMs) || !Array.isArray(conditions)) throw invalidPolicy();
    return { expiration: expirationMs, conditions: conditions as unknown[] };
  } catch {
    throw invalidPolicy();
  }
}

function invalidPolicy(): AuthenticationError {
  return new AuthenticationError(
    "InvalidPolicyDocument",
    "The content of the form does not meet the conditions specified in the policy document.",
    400,
  );
}
