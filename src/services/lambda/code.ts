import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { isPlatformError } from "#base/errors.ts";
import type { WireRequest, WireResponse } from "#protocol/wire/wire.ts";
import type { Clock } from "#base/clock.ts";
import type { Random } from "#base/random.ts";
import type { BlobStore, Store } from "#storage/storage.ts";
import type { LambdaScope } from "./dependencies.ts";
import { invalid, tooLarge, unsupported } from "./errors.ts";
import { codeLinkLifetimeMs, storedZipBytesMax, zippedBytesMax } from "./limits.ts";
import { codeLinkSecret } from "./records.ts";

/** The members with which a request brings its package. */
export interface CodeSource {
  readonly ZipFile?: Uint8Array | undefined;
  readonly S3Bucket?: string | undefined;
  readonly S3Key?: string | undefined;
  readonly S3ObjectVersion?: string | undefined;
  readonly ImageUri?: string | undefined;
  readonly SourceKMSKeyArn?: string | undefined;
}

export interface StoredCode {
  readonly codeSha256: string;
  readonly codeByteCount: number;
  readonly unpackedByteCount: number;
}

/**
 * Checks the package and puts it on disk; `isDryRun` only checks. Messages as in
 * https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html (seen 2026-11).
 */
export async function storeCode(
  scope: Pick<LambdaScope, "packages" | "blobs" | "codeObjects">,
  source: CodeSource,
  options: { readonly accountId: string; readonly isDryRun?: boolean },
): Promise<StoredCode> {
  const zip = await zipOf(scope, source, options.accountId);
  const { byteCount: unpackedByteCount } = await scope.packages.validate(zip).catch(asInvalid);
  const stored = options.isDryRun
    ? { sha256: createHash("sha256").update(zip).digest("hex"), byteCount: zip.byteLength }
    : await scope.blobs.put(zip);
  return {
    codeSha256: stored.sha256,
    codeByteCount: stored.byteCount,
    unpackedByteCount,
  };
}

async function zipOf(
  scope: Pick<LambdaScope, "codeObjects">,
  source: CodeSource,
  accountId: string,
): Promise<Uint8Array> {
  if (source.ImageUri) throw unsupported("ImageUri", "container images are not hosted");
  if (source.SourceKMSKeyArn) throw unsupported("SourceKMSKeyArn", "keys are not hosted");
  if (source.S3Bucket !== undefined || source.S3Key !== undefined) {
    if (source.ZipFile) {
      throw invalid(
        "Please do not provide other FunctionCode parameters when providing a ZipFile.",
      );
    }
    return readObject(scope, source, accountId);
  }
  const { ZipFile: zip } = source;
  if (!zip) throw invalid("Please provide a source for function code.");
  if (zip.byteLength === 0) throw invalid("Uploaded file must be a non-empty zip");
  if (zip.byteLength > zippedBytesMax) {
    throw tooLarge(`Zipped size must be smaller than ${zippedBytesMax} bytes`);
  }
  return zip;
}

const noBucket = { code: "NoSuchBucket", message: "The specified bucket does not exist" };

/** Words of the service: https://repost.aws/knowledge-center/lambda-s3-error-permission (seen 2026-11). */
async function readObject(
  { codeObjects }: Pick<LambdaScope, "codeObjects">,
  { S3Bucket: bucket, S3Key: key, S3ObjectVersion: versionId }: CodeSource,
  accountId: string,
): Promise<Uint8Array> {
  if (bucket === undefined || key === undefined) {
    throw invalid("Please provide both S3Bucket and S3Key.");
  }
  const asked = { bucket, key, versionId, accountId, bytesMax: storedZipBytesMax };
  const found = (await codeObjects?.read(asked)) ?? { refusal: noBucket };
  if ("bytes" in found) return found.bytes;
  const { code, message } = found.refusal;
  throw invalid(
    `Error occurred while GetObject. S3 Error Code: ${code}. S3 Error Message: ${message}`,
  );
}

/** The packages module words its refusals as the service does. */
function asInvalid(error: unknown): never {
  if (isPlatformError(error, "package.too-large") || isPlatformError(error, "package.invalid")) {
    throw invalid(error.message);
  }
  throw error;
}

/** Download links for stored packages; they expire, and cannot be guessed or altered. */
export interface CodeLinks {
  /** An address on the endpoint the caller used; valid for ten minutes. */
  link(endpoint: string, codeSha256: string): Promise<string>;
  /** Answers a request for such an address; undefined when the path is not ours. */
  serve(
    request: Pick<WireRequest, "method" | "path" | "rawQuery">,
  ): Promise<WireResponse | undefined>;
}

const pathPrefix = "/_skerry/code/";

export function createCodeLinks(deps: {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
}): CodeLinks {
  const { store, blobs, clock, random } = deps;
  let secret: Uint8Array | undefined;
  const sign = async (codeSha256: string, expiresAtMs: number): Promise<string> => {
    secret ??= await sharedSecret(store, random);
    const signed = createHmac("sha256", secret).update(`${codeSha256}.${expiresAtMs}`);
    return signed.digest("base64url");
  };
  return {
    async link(endpoint, codeSha256) {
      const expiresAtMs = clock.nowMs() + codeLinkLifetimeMs;
      const signature = await sign(codeSha256, expiresAtMs);
      return `${endpoint}${pathPrefix}${codeSha256}?expires=${expiresAtMs}&signature=${signature}`;
    },
    async serve({ method, path, rawQuery }) {
      if (!path.startsWith(pathPrefix)) return undefined;
      if (method !== "GET") return refusal(405, "only GET is possible here");
      const codeSha256 = path.slice(pathPrefix.length);
      const query = new URLSearchParams(rawQuery);
      const expiresAtMs = Number(query.get("expires"));
      if (!/^[0-9a-f]{64}$/.test(codeSha256) || !Number.isSafeInteger(expiresAtMs)) {
        return refusal(403, "this is not a download link");
      }
      const expected = Buffer.from(await sign(codeSha256, expiresAtMs));
      const given = Buffer.from(query.get("signature") ?? "");
      if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
        return refusal(403, "the link's signature does not match");
      }
      if (clock.nowMs() > expiresAtMs) return refusal(403, "the link has expired");
      const headers = { "content-type": "application/zip" };
      return { status: 200, headers, body: blobs.stream(codeSha256) };
    },
  };
}

function refusal(status: number, why: string): WireResponse {
  const body = Buffer.from(`${why}\n`);
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body };
}

/** Made by whichever process needs it first. */
async function sharedSecret(store: Store, random: Random): Promise<Uint8Array> {
  return await store.write((tx) => {
    const known = codeLinkSecret.get(tx);
    if (known) return known;
    const fresh = Uint8Array.from(random.bytes(32));
    codeLinkSecret.put(tx, fresh);
    return fresh;
  });
}
