import type { SignableRequest } from "./canonical.ts";
import { queryPairs } from "./canonical.ts";
import { presignedSecondsDefault, presignedSecondsMax, presignedSecondsMin } from "./limits.ts";
import type { RefusalDialect } from "./refusal.ts";
import { refusal } from "./refusal.ts";
import type { CredentialScope } from "./signing-keys.ts";

/** When a request says it was signed. */
export interface ClaimedTime {
  readonly placement: "header" | "query";
  /** `YYYYMMDDTHHMMSSZ` */
  readonly amzDate: string;
  readonly signedAtMs: number;
  /** Set on a presigned request: how long after `signedAtMs` it may be used. */
  readonly validForMs: number | undefined;
}

/** What a signed request says about itself; nothing in it is believed before the signature matches. */
export interface Claim extends ClaimedTime {
  readonly accessKeyId: string;
  readonly scope: CredentialScope;
  /** As sent: order and case are signed too. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly sessionToken: string | undefined;
}

/** Just enough to route a request, read without judging it. */
export interface CredentialGlimpse {
  readonly accessKeyId: string;
  readonly region: string | undefined;
  readonly signingName: string | undefined;
}

/** Never throws; undefined on an unsigned request. Understands every `AWS4-` algorithm's credential. */
export function glimpseCredential(request: SignableRequest): CredentialGlimpse | undefined {
  const header = request.headers["authorization"];
  const found =
    header === undefined
      ? /(?:^|&)X-Amz-Credential=([^&]*)/.exec(request.rawQuery)
      : /^AWS4-\S+\s.*?\bCredential=([^,\s]+)/.exec(header);
  const text = found?.[1];
  if (text === undefined) return undefined;
  const parts = (header === undefined ? decodeLoosely(text) : text).split("/");
  // SigV4a scopes name no region: key/date/service/aws4_request.
  const [accessKeyId = "", , region, service] =
    parts.length === 4 ? [parts[0], parts[1], undefined, parts[2]] : parts;
  return { accessKeyId, region: region || undefined, signingName: service || undefined };
}

/** When a presigned request was signed; undefined for any other, and for one that is presigned badly. */
export function glimpsePresigned(
  request: SignableRequest,
  dialect: RefusalDialect,
): ClaimedTime | undefined {
  if (!request.rawQuery.includes("X-Amz-Expires=")) return undefined;
  const fields = new Map(queryPairs(request.rawQuery));
  try {
    return {
      placement: "query",
      ...readDate(fields.get("X-Amz-Date") ?? "", "incomplete-query", dialect),
      validForMs: readExpiry(fields.get("X-Amz-Expires"), dialect) * 1_000,
    };
  } catch {
    return undefined;
  }
}

/** Undefined on an unsigned request. Throws `AuthenticationError` on one that is signed badly. */
export function readClaim(request: SignableRequest, dialect: RefusalDialect): Claim | undefined {
  const header = request.headers["authorization"];
  const parameters = queryPairs(request.rawQuery).filter(([name]) => name.startsWith("X-Amz-"));
  const isPresigned = parameters.some(
    ([name]) => name === "X-Amz-Signature" || name === "X-Amz-Credential",
  );
  if (header === undefined) {
    return isPresigned ? readQueryClaim(request, parameters, dialect) : undefined;
  }
  if (isPresigned) {
    throw refusal(
      dialect,
      "incomplete",
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
    );
  }
  return readHeaderClaim(request, header, dialect);
}

function readHeaderClaim(
  request: SignableRequest,
  header: string,
  dialect: RefusalDialect,
): Claim | undefined {
  const at = header.indexOf(" ");
  const algorithm = at < 0 ? header : header.slice(0, at);
  const fields = readFields(at < 0 ? "" : header.slice(at + 1), dialect);
  const date = request.headers["x-amz-date"] ?? request.headers["date"];
  const missing = ["Credential", "Signature", "SignedHeaders"]
    .filter((name) => !fields.get(name))
    .map((name) => `Authorization header requires '${name}' parameter.`);
  if (date === undefined) {
    missing.push(
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    );
  }
  if (missing.length > 0) throw refusal(dialect, "incomplete", missing.join(" "));
  checkAlgorithm(algorithm, "incomplete", dialect);
  return {
    placement: "header",
    ...readCredential(fields.get("Credential") ?? "", "incomplete", dialect),
    signedHeaders: (fields.get("SignedHeaders") ?? "").split(";"),
    signature: fields.get("Signature") ?? "",
    ...readDate(date ?? "", "incomplete", dialect),
    validForMs: undefined,
    sessionToken: request.headers["x-amz-security-token"],
  };
}

/** `Credential=…, SignedHeaders=…, Signature=…` in any order; each once and no other. */
function readFields(text: string, dialect: RefusalDialect): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of text === "" ? [] : text.split(",")) {
    const at = part.indexOf("=");
    const name = part.slice(0, at).trim();
    if (at < 0) {
      throw refusal(
        dialect,
        "incomplete",
        "Invalid key=value pair (missing equal-sign) in Authorization header.",
      );
    }
    if (fields.has(name) || !["Credential", "SignedHeaders", "Signature"].includes(name)) {
      throw refusal(dialect, "incomplete", `Authorization header has a stray '${name}' parameter.`);
    }
    fields.set(name, part.slice(at + 1).trim());
  }
  return fields;
}

function readQueryClaim(
  request: SignableRequest,
  parameters: readonly (readonly [string, string])[],
  dialect: RefusalDialect,
): Claim {
  const fields = new Map(parameters);
  if (fields.size !== parameters.length) {
    throw refusal(
      dialect,
      "incomplete-query",
      "Query-string authentication parameters must not be repeated.",
    );
  }
  const required = ["Algorithm", "Credential", "Signature", "Date", "SignedHeaders"];
  if (dialect === "s3") required.push("Expires");
  const missing = required.filter((name) => !fields.get(`X-Amz-${name}`));
  if (missing.length > 0) {
    throw refusal(
      dialect,
      "incomplete-query",
      dialect === "s3"
        ? "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        : missing
            .map((name) => `AWS query-string parameters must include 'X-Amz-${name}'.`)
            .join(" "),
    );
  }
  checkAlgorithm(fields.get("X-Amz-Algorithm") ?? "", "incomplete-query", dialect);
  return {
    placement: "query",
    ...readCredential(fields.get("X-Amz-Credential") ?? "", "incomplete-query", dialect),
    signedHeaders: (fields.get("X-Amz-SignedHeaders") ?? "").split(";"),
    signature: fields.get("X-Amz-Signature") ?? "",
    ...readDate(fields.get("X-Amz-Date") ?? "", "incomplete-query", dialect),
    validForMs: readExpiry(fields.get("X-Amz-Expires"), dialect) * 1_000,
    sessionToken: fields.get("X-Amz-Security-Token") ?? request.headers["x-amz-security-token"],
  };
}

type IncompleteKind = "incomplete" | "incomplete-query";

function checkAlgorithm(algorithm: string, kind: IncompleteKind, dialect: RefusalDialect): void {
  if (algorithm === "AWS4-HMAC-SHA256") return;
  throw refusal(
    dialect,
    kind,
    `Unsupported AWS 'algorithm': '${algorithm}' (only AWS4-HMAC-SHA256 for now). `,
  );
}

function readCredential(
  text: string,
  kind: IncompleteKind,
  dialect: RefusalDialect,
): { readonly accessKeyId: string; readonly scope: CredentialScope } {
  const parts = text.split("/");
  const [accessKeyId, date, region, service, terminator] = parts;
  if (parts.length !== 5 || !accessKeyId || !date || !region || !service || !terminator) {
    throw refusal(
      dialect,
      kind,
      dialect === "s3"
        ? 'The authorization header is malformed; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        : `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${text}'`,
    );
  }
  return { accessKeyId, scope: { date, region, service, terminator } };
}

/** ISO 8601 basic form, or the HTTP form that only a `Date` header has. */
function readDate(
  text: string,
  kind: IncompleteKind,
  dialect: RefusalDialect,
): { readonly amzDate: string; readonly signedAtMs: number } {
  const basic = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  const signedAtMs = basic
    ? Date.parse(`${basic.slice(1, 4).join("-")}T${basic.slice(4).join(":")}Z`)
    : Date.parse(/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT$/.test(text) ? text : "");
  if (Number.isNaN(signedAtMs)) {
    throw refusal(
      dialect,
      kind,
      `Date must be in ISO-8601 'basic format'. Got '${text}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    );
  }
  // Hour 24 is the only one that reads back as another.
  const isAsWritten = basic !== null && basic[4] !== "24";
  return { amzDate: isAsWritten ? text : formatAmzDate(signedAtMs), signedAtMs };
}

/** `YYYYMMDDTHHMMSSZ` */
export function formatAmzDate(epochMs: number): string {
  return new Date(epochMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
}

function readExpiry(text: string | undefined, dialect: RefusalDialect): number {
  if (text === undefined) return presignedSecondsDefault;
  const seconds = /^-?\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= presignedSecondsMin && seconds <= presignedSecondsMax) return seconds;
  let message = "X-Amz-Expires should be a number";
  if (seconds < presignedSecondsMin) message = "X-Amz-Expires must be non-negative";
  if (seconds > presignedSecondsMax) {
    message =
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds";
  }
  throw refusal(dialect, "incomplete-query", message);
}

function decodeLoosely(text: string): string {
  return text.replaceAll(/%2f/gi, "/");
}
