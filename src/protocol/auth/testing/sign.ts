import type { WireRequest } from "#protocol/wire/wire.ts";
import { canonicalRequest, sha256Hex, stringToSign } from "../canonical.ts";
import type { PathRule } from "../canonical.ts";
import { formatAmzDate } from "../claim.ts";
import { createSigningKeys } from "../signing-keys.ts";

/** A request in parts that tests can change one by one. */
export interface PlainRequest {
  readonly method: string;
  readonly path: string;
  readonly rawQuery: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface TestSigner {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly nowMs: number;
  readonly region?: string;
  readonly service: string;
  /** Goes into the signature as given; the body's hash when absent. */
  readonly payloadHash?: string;
  readonly pathRule?: PathRule;
}

const keys = createSigningKeys();

/** Signs in the header form with every header the request has. The canonical form itself is held by the published vectors. */
export function signRequest(request: PlainRequest, signer: TestSigner): PlainRequest {
  const amzDate = formatAmzDate(signer.nowMs);
  const headers: Record<string, string> = {
    ...request.headers,
    "x-amz-date": amzDate,
    ...(signer.sessionToken !== undefined && { "x-amz-security-token": signer.sessionToken }),
  };
  const signedHeaders = Object.keys(headers).toSorted();
  const scope = scopeOf(signer, amzDate);
  const signature = keys.sign(
    signer.secretAccessKey,
    scope.parts,
    stringToSign(
      canonicalRequest(
        { ...request, headers },
        {
          signedHeaders,
          payloadHash: signer.payloadHash ?? sha256Hex(Buffer.from(request.body)),
          pathRule: signer.pathRule ?? "normalise",
        },
      ),
      amzDate,
      scope.text,
    ),
  );
  headers["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/${scope.text}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`;
  return { ...request, headers };
}

/** Signs in the query form; only the host header is signed. */
export function presignRequest(
  request: PlainRequest,
  signer: TestSigner & { readonly expiresSeconds: number },
): PlainRequest {
  const amzDate = formatAmzDate(signer.nowMs);
  const scope = scopeOf(signer, amzDate);
  const parameters = new URLSearchParams(request.rawQuery);
  parameters.set("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
  parameters.set("X-Amz-Credential", `${signer.accessKeyId}/${scope.text}`);
  parameters.set("X-Amz-Date", amzDate);
  parameters.set("X-Amz-Expires", String(signer.expiresSeconds));
  parameters.set("X-Amz-SignedHeaders", "host");
  if (signer.sessionToken !== undefined) {
    parameters.set("X-Amz-Security-Token", signer.sessionToken);
  }
  const rawQuery = parameters.toString();
  const canonical = canonicalRequest(
    { ...request, rawQuery },
    {
      signedHeaders: ["host"],
      payloadHash: signer.payloadHash ?? sha256Hex(Buffer.from(request.body)),
      pathRule: signer.pathRule ?? "normalise",
    },
  );
  const signature = keys.sign(
    signer.secretAccessKey,
    scope.parts,
    stringToSign(canonical, amzDate, scope.text),
  );
  return { ...request, rawQuery: `${rawQuery}&X-Amz-Signature=${signature}` };
}

export function toWire(request: PlainRequest): WireRequest {
  const bytes = Buffer.from(request.body, "latin1");
  return { ...request, body: pieces(bytes, Math.max(1, bytes.byteLength)) };
}

/** The bytes in pieces of `pieceBytes`, as a network might deliver them. */
export async function* pieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    yield bytes.subarray(at, at + pieceBytes);
  }
}

export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}

function scopeOf(signer: TestSigner, amzDate: string) {
  const parts = {
    date: amzDate.slice(0, 8),
    region: signer.region ?? "us-east-1",
    service: signer.service,
    terminator: "aws4_request",
  };
  return { parts, text: `${parts.date}/${parts.region}/${parts.service}/aws4_request` };
}
