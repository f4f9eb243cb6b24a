import type { RequestContext } from "#base/context.ts";
import {
  AuthenticationError,
  type FormAuthentication,
  type UploadForm,
} from "#protocol/auth/auth.ts";
import type { WireRequest } from "#protocol/wire/wire.ts";
import type { Answer } from "./answer.ts";
import type { BucketTable, StoredForm } from "./buckets.ts";
import { FormError, readFileForm } from "./multipart-form.ts";

interface FormDeps {
  readonly buckets: BucketTable;
  verifyForm(form: UploadForm): Promise<FormAuthentication>;
  contextOf(authentication: FormAuthentication): RequestContext;
}

/** `POST` of a form to a bucket. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html (seen 2026-11) */
export async function answerForm(
  deps: FormDeps,
  {
    request,
    bucket,
    requestId,
    endpoint,
  }: {
    readonly request: WireRequest;
    readonly bucket: string;
    readonly requestId: string;
    readonly endpoint: string;
  },
): Promise<Answer> {
  try {
    request.arriving?.passOn();
    const { fields, file } = await readFileForm(
      request.body,
      request.headers["content-type"] ?? "",
    );
    const authentication = await deps.verifyForm(new Map([...fields, ["bucket", bucket]]));
    const { lengthRange } = authentication;
    const shared = { bucket, fields, fileName: file.name, contentType: file.contentType };
    const stored = await deps.buckets.post(
      { ...shared, body: file.body, lengthRange },
      deps.contextOf(authentication),
    );
    return successAnswer(fields, { bucket, stored, requestId, endpoint });
  } catch (error) {
    const shown =
      error instanceof FormError
        ? new AuthenticationError("MalformedPOSTRequest", error.message, 400)
        : error;
    return deps.buckets.errorAnswer(shown, requestId);
  }
}

function successAnswer(
  fields: UploadForm,
  done: {
    readonly bucket: string;
    readonly stored: StoredForm;
    readonly requestId: string;
    readonly endpoint: string;
  },
): Answer {
  const { bucket, stored, requestId, endpoint } = done;
  const location = `${endpoint}/${bucket}/${encodeURIComponent(stored.key)}`;
  const headers = {
    etag: `"${stored.etag}"`,
    location,
    "x-amz-request-id": requestId,
    ...(stored.versionId !== undefined && { "x-amz-version-id": stored.versionId }),
  };
  const redirect = fields.get("success_action_redirect") ?? fields.get("redirect");
  if (redirect !== undefined && URL.canParse(redirect)) {
    const url = new URL(redirect);
    url.searchParams.set("bucket", bucket);
    url.searchParams.set("key", stored.key);
    url.searchParams.set("etag", `"${stored.etag}"`);
    return { status: 303, headers: { ...headers, location: url.href }, body: new Uint8Array() };
  }
  const status = fields.get("success_action_status");
  if (status === "200") return { status: 200, headers, body: new Uint8Array() };
  if (status !== "201") return { status: 204, headers, body: new Uint8Array() };
  const text = (name: string, value: string): string => `<${name}>${escapeXml(value)}</${name}>`;
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>${text("Location", location)}${text("Bucket", bucket)}${text("Key", stored.key)}${text("ETag", `"${stored.etag}"`)}</PostResponse>`;
  return {
    status: 201,
    headers: { ...headers, "content-type": "application/xml" },
    body: Buffer.from(body),
  };
}

function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
