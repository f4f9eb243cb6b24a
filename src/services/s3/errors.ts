import { S3ServiceException } from "@aws-sdk/client-s3";

interface Details {
  readonly status?: number;
  /** Further elements of `<Error>`. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An error of S3 as its documentation names it; the model has few of them.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (seen 2026-11)
 */
export function s3Error(code: string, message: string, details: Details = {}): Error {
  const { status = 400, fields = {}, headers } = details;
  const $fault = status >= 500 ? "server" : "client";
  const options = { name: code, $fault, message, $metadata: { httpStatusCode: status } } as const;
  const error = Object.assign(new S3ServiceException(options), fields);
  // Where a client finds the headers of the answer that brought an error.
  if (headers) Object.assign(error, { $response: { headers } });
  return error;
}

export const noSuchBucket = (bucket: string): Error =>
  s3Error("NoSuchBucket", "The specified bucket does not exist", {
    status: 404,
    fields: { BucketName: bucket },
  });

export const noSuchKey = (key: string, headers?: Readonly<Record<string, string>>): Error =>
  s3Error("NoSuchKey", "The specified key does not exist.", {
    status: 404,
    fields: { Key: key },
    ...(headers && { headers }),
  });

export const noSuchVersion = (key: string, versionId: string): Error =>
  s3Error("NoSuchVersion", "The specified version does not exist.", {
    status: 404,
    fields: { Key: key, VersionId: versionId },
  });

export const noSuchUpload = (uploadId: string): Error =>
  s3Error(
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    { status: 404, fields: { UploadId: uploadId } },
  );

export const accessDenied = (): Error => s3Error("AccessDenied", "Access Denied", { status: 403 });

export const invalidArgument = (message: string, name: string, value: string): Error =>
  s3Error("InvalidArgument", message, { fields: { ArgumentName: name, ArgumentValue: value } });

export const invalidRequest = (message: string): Error => s3Error("InvalidRequest", message);

export const malformedXml = (): Error =>
  s3Error(
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema",
  );

export const preconditionFailed = (condition: string): Error =>
  s3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", {
    status: 412,
    fields: { Condition: condition },
  });

export const badDigest = (message: string): Error => s3Error("BadDigest", message);

/** What exists in the model and is not hosted: refused rather than ignored. */
export const notImplemented = (what: string): Error =>
  s3Error("NotImplemented", `${what} is not implemented by this server`, { status: 501 });
