/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html: bytes of UTF-8. */
export const keyBytesMax = 1_024;

/** Objects of one PUT. https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html */
export const putBytesMax = 5 * 1024 ** 3;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const partNumberMax = 10_000;
export const partBytesMin = 5 * 1024 ** 2;
export const partBytesMax = 5 * 1024 ** 3;
export const objectBytesMax = 5 * 1024 ** 4;

/** Bodies up to this size live in the store beside their record; larger ones are files. Our own bound. */
export const inlineBytesMax = 64 * 1024;

/** Keys and values of `x-amz-meta-*` together. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
export const metadataBytesMax = 2 * 1024;

/** Entries of one page: keys, versions, uploads, parts. */
export const pageEntriesMax = 1_000;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
export const bucketPageMax = 10_000;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjectsMax = 1_000;

/** Skipping what shares a prefix looks at this many entries before it jumps behind all of them. Our own bound. */
export const skipBeforeJump = 8;

/** General purpose buckets of an account. https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html */
export const bucketsMax = 10_000;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
export const objectTagsMax = 10;
export const bucketTagsMax = 50;
export const tagKeyCharactersMax = 128;
export const tagValueCharactersMax = 256;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html */
export const policyBytesMax = 20 * 1024;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html */
export const corsRulesMax = 100;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html */
export const lifecycleRulesMax = 1_000;

/** Files that no object names any more are removed in runs of this many. Our own bound. */
export const garbageRunMax = 256;

/** Entries that one step of the lifecycle sweeper looks at. Our own bound. */
export const sweepEntriesMax = 256;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html (MaxParts) */
export const attributePartsMax = 1_000;

/** How often and how long a notification is tried. S3 gives no figure; a day is what its destinations' queues expect. Our own bound. */
export const deliveryAttemptsMax = 300;
export const deliveryAgeMaxMs = 24 * 60 * 60_000;

/** Nanoseconds cannot be had; versions of one key within a millisecond count up to this. Our own bound. */
export const sequencesPerMs = 4_096;
