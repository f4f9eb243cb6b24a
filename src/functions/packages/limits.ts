/**
 * Bounds of code packages. Where a number is AWS's it comes from
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (seen 2026-11).
 */

/** "Deployment package size: 250 MB (unzipped)", in bytes as the service's own error states it. */
export const unzippedBytesMax = 262_144_000;

/** Files, directories and links of one archive. The service names none; this is ours. */
export const entriesMax = 200_000;

/** Bytes of one path inside a package, and of one of its parts (NAME_MAX of Linux). */
export const pathBytesMax = 1_024;
export const pathPartBytesMax = 255;

/** Bytes of a symbolic link's target. */
export const linkTargetBytesMax = 1_024;

/**
 * Inflated bytes per stored byte. Deflate itself cannot exceed 1,032, so more is a forged size; small
 * files are let through because their headers dominate.
 */
export const inflationRatioMax = 1_100;
export const inflationRatioFromBytes = 1024 * 1024;

/** Unpacked trees kept on disk that nothing uses; the least recently used go first. */
export const cacheBytesMaxDefault = 4 * 1024 * 1024 * 1024;

/** Inflating archives side by side; each costs a thread of the pool and its buffers. */
export const unpackingMax = 4;

/** A tree used this recently may be on its way into a sandbox and is never trimmed. */
export const spareMs = 10 * 60_000;

/** Trees of which a process remembers that it marked them as used a moment ago. */
export const treesRememberedMax = 10_000;

/** Compile caches beside one package: of its functions and their settings, the newest stay. */
export const cachesPerPackageMax = 8;
