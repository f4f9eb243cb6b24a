import type { RequestContext } from "#base/context.ts";
import type { FormAuthentication, UploadForm } from "#protocol/auth/auth.ts";
import type { Answer } from "./answer.ts";

/** What pages and forms may do with a bucket; `services/s3` satisfies it. */
export interface BucketTable {
  /** The rules of its CORS configuration; empty when it has none or does not exist. */
  corsRules(bucket: string): Promise<readonly BucketCorsRule[]>;
  /** Stores what a form uploaded. Throws S3's errors. */
  post(form: PostedForm, context: RequestContext): Promise<StoredForm>;
  /** An error of S3 as it is answered. */
  errorAnswer(error: unknown, requestId: string): Answer;
}

export interface BucketCorsRule {
  readonly AllowedHeaders?: readonly string[] | undefined;
  readonly AllowedMethods?: readonly string[] | undefined;
  readonly AllowedOrigins?: readonly string[] | undefined;
  readonly ExposeHeaders?: readonly string[] | undefined;
  readonly MaxAgeSeconds?: number | undefined;
}

export interface PostedForm {
  readonly bucket: string;
  readonly fields: UploadForm;
  readonly fileName: string;
  readonly contentType: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  readonly lengthRange: FormAuthentication["lengthRange"];
}

export interface StoredForm {
  readonly key: string;
  readonly etag: string;
  readonly versionId: string | undefined;
}
