import { AuthenticationError } from "./authentication-error.ts";

/**
 * Which words a service uses to refuse. The signature front of the JSON services answers 400, the
 * REST ones 403, Query ones use names without `Exception`, and S3 has a vocabulary of its own.
 * https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (all seen 2026-11)
 */
export type RefusalDialect = "query" | "json" | "rest-json" | "s3";

export type RefusalKind =
  | "missing-token"
  | "incomplete"
  | "incomplete-query"
  | "mismatch"
  | "scope"
  | "expired-signature"
  | "expired-presigned"
  | "unknown-key"
  | "wrong-token"
  | "expired-token"
  | "unsigned-headers"
  | "payload-hash"
  | "payload-form";

type Row = readonly [code: string, status: number, message: string];

const mismatch =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
const invalidToken = "The security token included in the request is invalid.";
const expiredToken = "The security token included in the request is expired";

const query: Record<RefusalKind, Row> = {
  "missing-token": ["MissingAuthenticationToken", 403, "Request is missing Authentication Token"],
  incomplete: ["IncompleteSignature", 400, ""],
  "incomplete-query": ["IncompleteSignature", 400, ""],
  mismatch: ["SignatureDoesNotMatch", 403, mismatch],
  scope: ["SignatureDoesNotMatch", 403, mismatch],
  "expired-signature": ["SignatureDoesNotMatch", 403, mismatch],
  "expired-presigned": ["SignatureDoesNotMatch", 403, mismatch],
  "unknown-key": ["InvalidClientTokenId", 403, invalidToken],
  "wrong-token": ["InvalidClientTokenId", 403, invalidToken],
  "expired-token": ["ExpiredToken", 403, expiredToken],
  "unsigned-headers": ["SignatureDoesNotMatch", 403, mismatch],
  "payload-hash": ["SignatureDoesNotMatch", 403, mismatch],
  "payload-form": ["IncompleteSignature", 400, ""],
};

const json = withExceptionNames(400);
const restJson = withExceptionNames(403);

const s3: Record<RefusalKind, Row> = {
  "missing-token": ["AccessDenied", 403, "Access Denied"],
  incomplete: ["AuthorizationHeaderMalformed", 400, ""],
  "incomplete-query": ["AuthorizationQueryParametersError", 400, ""],
  mismatch: [
    "SignatureDoesNotMatch",
    403,
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  ],
  scope: ["AuthorizationHeaderMalformed", 400, ""],
  "expired-signature": [
    "RequestTimeTooSkewed",
    403,
    "The difference between the request time and the current time is too large.",
  ],
  "expired-presigned": ["AccessDenied", 403, "Request has expired"],
  "unknown-key": [
    "InvalidAccessKeyId",
    403,
    "The AWS Access Key Id you provided does not exist in our records.",
  ],
  "wrong-token": ["InvalidToken", 400, "The provided token is malformed or otherwise invalid."],
  "expired-token": ["ExpiredToken", 400, "The provided token has expired."],
  "unsigned-headers": [
    "AccessDenied",
    403,
    "There were headers present in the request which were not signed",
  ],
  "payload-hash": [
    "XAmzContentSHA256Mismatch",
    400,
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  ],
  "payload-form": ["InvalidRequest", 400, ""],
};

const tables: Record<RefusalDialect, Record<RefusalKind, Row>> = {
  query,
  json,
  "rest-json": restJson,
  s3,
};

/** `message` replaces the service's standing text; S3 keeps its own for skew and expiry. */
export function refusal(
  dialect: RefusalDialect,
  kind: RefusalKind,
  message?: string,
): AuthenticationError {
  const [code, status, standing] = tables[dialect][kind];
  const fixed = dialect === "s3" && standing !== "";
  return new AuthenticationError(code, fixed ? standing : (message ?? standing), status);
}

function withExceptionNames(status: number): Record<RefusalKind, Row> {
  const signature: Row = ["InvalidSignatureException", status, mismatch];
  const incomplete: Row = ["IncompleteSignatureException", status, ""];
  const unknown: Row = ["UnrecognizedClientException", status, invalidToken];
  const missing = status === 403 ? "Missing Authentication Token" : query["missing-token"][2];
  return {
    "missing-token": ["MissingAuthenticationTokenException", status, missing],
    incomplete,
    "incomplete-query": incomplete,
    mismatch: signature,
    scope: signature,
    "expired-signature": signature,
    "expired-presigned": signature,
    "unknown-key": unknown,
    "wrong-token": unknown,
    "expired-token": ["ExpiredTokenException", status, expiredToken],
    "unsigned-headers": signature,
    "payload-hash": signature,
    "payload-form": incomplete,
  };
}
