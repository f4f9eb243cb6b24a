/** Header-signed requests live this long on either side of now. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html */
export const clockSkewMs = 5 * 60_000;

/** S3 allows more. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (RequestTimeTooSkewed) */
export const clockSkewS3Ms = 15 * 60_000;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html (X-Amz-Expires) */
export const presignedSecondsMin = 1;
export const presignedSecondsMax = 604_800;

/** What a presigned request without X-Amz-Expires gets outside S3, which requires it. */
export const presignedSecondsDefault = 900;

/** Signing keys depend on secret, day, region and service; a busy day uses a few dozen. Our own bound. */
export const signingKeysMax = 1_000;

/** A body without a declared hash is held while its signature is checked. A 50 MB zip as base64 in JSON fits. */
export const heldBodyBytesMax = 80 * 1024 * 1024;

/** One signed chunk is held until its signature is checked. Clients use 64 KiB … 8 MiB. Our own bound. */
export const signedChunkBytesMax = 16 * 1024 * 1024;

/** A chunk's first line: hexadecimal size and an 85-character signature extension. */
export const chunkLineBytesMax = 256;

/** A trailer line; S3's metadata limit is far below. */
export const trailerLineBytesMax = 8 * 1024;

export const trailerLinesMax = 16;
