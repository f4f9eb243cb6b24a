import type { Reader } from "#storage/storage.ts";
import { noSuchKey, noSuchVersion, s3Error } from "./errors.ts";
import { checkKey } from "./descriptions.ts";
import type { ObjectRecord } from "./records.ts";
import { type At, findCurrent, findLatest, findVersion, versionIdOf } from "./versions.ts";

/**
 * What a read means by key and version. Errors: `NoSuchKey`, `NoSuchVersion`; a delete marker says what
 * it is in the headers of a 404, or 405 when it was asked for by its id.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html (seen 2026-11)
 */
export function findReadable(reader: Reader, at: At, versionId: string | undefined): ObjectRecord {
  checkKey(at.key);
  if (versionId === undefined) {
    const current = findCurrent(reader, at);
    if (current) return current;
    const marker = findLatest(reader, at);
    throw noSuchKey(at.key, marker && markerHeaders(marker));
  }
  const record = findExisting(reader, at, versionId);
  if (!record.isDeleteMarker) return record;
  throw s3Error("MethodNotAllowed", "The specified method is not allowed against this resource.", {
    status: 405,
    fields: { Method: "GET", ResourceType: "DeleteMarker" },
    headers: {
      ...markerHeaders(record),
      allow: "DELETE",
      "last-modified": new Date(record.atMs).toUTCString(),
    },
  });
}

/** A version by its id, delete markers too. Errors: `InvalidArgument`, `NoSuchVersion`. */
function findExisting(reader: Reader, at: At, versionId: string): ObjectRecord {
  const found = findVersion(reader, at, versionId);
  if (found) return found.record;
  if (versionId !== "null" && !/^[\w.-]{1,1024}$/.test(versionId)) {
    throw s3Error("InvalidArgument", "Invalid version id specified", {
      fields: { ArgumentName: "versionId", ArgumentValue: versionId },
    });
  }
  throw noSuchVersion(at.key, versionId);
}

function markerHeaders(marker: ObjectRecord): Record<string, string> {
  return { "x-amz-delete-marker": "true", "x-amz-version-id": versionIdOf(marker) };
}
