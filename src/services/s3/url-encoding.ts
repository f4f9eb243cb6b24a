import { invalidArgument } from "./errors.ts";

/**
 * How `encoding-type=url` writes keys, prefixes and markers, because XML 1.0 cannot say every character
 * a key may have. Slashes stay. A space is `%20`, not the service's plus sign: every client decodes it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html (seen 2026-11)
 */
export function encoderOf(encodingType: string | undefined): (text: string) => string {
  if (encodingType === undefined) return (text) => text;
  if (encodingType !== "url") {
    throw invalidArgument(
      "Invalid Encoding Method specified in Request",
      "encoding-type",
      encodingType,
    );
  }
  return (text) =>
    encodeURIComponent(text)
      .replaceAll("%2F", "/")
      .replaceAll(/[!'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
