/**
 * Every number of the Lambda API that is not a range of one member (those are in `constraints.ts`).
 * Quotas: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (seen 2026-11).
 */

/** Zip uploaded in the request itself. */
export const zippedBytesMax = 52_428_800;

/** Of a zip in a bucket: no archive is larger than what it may hold unpacked. */
export const storedZipBytesMax = 262_144_000;
/**
 * A request that carries a package as base64, in the words of the service: "Request must be smaller
 * than 70167211 bytes for the CreateFunction operation" (AWS forums and issue trackers, seen 2026-11).
 */
export const codeRequestBytesMax = 70_167_211;
/** Function and layers together, unpacked. */
export const unpackedBytesMax = 262_144_000;
/** All function versions and layer versions of an account and region, zipped: 75 GB. */
export const codeStorageBytesMax = 80_530_636_800;
export const layersMax = 5;
/** All variables together, as JSON. */
export const environmentBytesMax = 4_096;

/** Payloads of synchronous and asynchronous invocations, and of a buffered response. */
export const syncPayloadBytesMax = 6_291_456;
export const asyncPayloadBytesMax = 1_048_576;
/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html: of the base64 text. */
export const clientContextBytesMax = 3_583;

/** A function without managed instances; more is refused after the model's own range. */
export const memoryMiBMax = 10_240;
export const functionNameLengthMax = 64;

export const memoryMiBDefault = 128;
export const timeoutSecondsDefault = 3;
export const scratchMiBDefault = 512;

/** Concurrency that must stay unreserved in an account. */
export const unreservedConcurrencyMin = 100;

/** Bytes of one resource policy. */
export const policyBytesMax = 20_480;

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html */
export const tagsMax = 50;
export const tagKeyLengthMax = 128;
export const tagValueLengthMax = 256;

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html */
export const retryAttemptsDefault = 2;
export const eventAgeSecondsDefault = 21_600;

/** https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html: at most 50 in one page, whatever is asked. */
export const pageItemsDefault = 50;

/** https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html says 10 minutes. */
export const codeLinkLifetimeMs = 600_000;

/** How long a call waits for a function that is being prepared before it answers with a conflict. */
export const preparationWaitMs = 15_000;
/** Packages unpacked at once; more would only share the same disk. */
export const preparationsMax = 4;

/** Invocations in one chain before the service stops it: docs "recursive loop detection". */
export const chainHopsMax = 16;

/** Function URLs and settings kept in memory. */
export const cachedRecordsMax = 10_000;

/** https://docs.aws.amazon.com/lambda/latest/api/API_LambdaManagedInstancesCapacityProviderConfig.html (seen 2026-11) */
export const concurrencyMax = 1_600;
/** Of a vCPU, by the default ratio of 2 GiB (the smallest that may be named). */
export const capacityMemoryMiBPerCpu = 2_048;

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html: five, ten by request; ten here. */
export const mappingFiltersMax = 10;
/** Beyond the function's own timeout: waiting for an environment. */
export const mappingCallGraceMs = 60_000;
/** Pause before mappings whose records could not be read or written are looked at again. */
export const mappingTroubleMs = 1_000;
