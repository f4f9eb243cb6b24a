import { rootPrincipal } from "#protocol/protocol.ts";
import { loadBucket } from "./buckets.ts";
import { bytesOf, readContent } from "./contents.ts";
import type { S3Deps } from "./deps.ts";
import { s3Error } from "./errors.ts";
import { findReadable } from "./lookups.ts";

/** Objects for other parts of the platform, whole. */
export interface ObjectReader {
  read(object: {
    readonly bucket: string;
    readonly key: string;
    readonly versionId: string | undefined;
    /** On whose behalf. */
    readonly accountId: string;
    /** Larger ones are refused. */
    readonly bytesMax: number;
  }): Promise<
    | { readonly bytes: Uint8Array }
    | { readonly refusal: { readonly code: string; readonly message: string } }
  >;
}

export function createObjectReader(deps: Pick<S3Deps, "store" | "bodies" | "mode">): ObjectReader {
  return {
    async read({ bucket: name, key, versionId, accountId, bytesMax }) {
      try {
        const segments = await deps.store.read((reader) => {
          const context = { principal: rootPrincipal(accountId) };
          const bucket = loadBucket(reader, { Bucket: name }, { context, mode: deps.mode });
          const record = findReadable(reader, { bucket, key }, versionId);
          if (record.byteCount > bytesMax) {
            throw s3Error("EntityTooLarge", `The object is larger than ${bytesMax} bytes`);
          }
          return readContent(reader, record.contentId).segments;
        });
        const bytes = bytesOf(deps.bodies, segments);
        if (bytes instanceof Uint8Array) return { bytes };
        return { bytes: Buffer.concat(await Array.fromAsync(bytes)) };
      } catch (error) {
        if (!(error instanceof Error) || !("$fault" in error)) throw error;
        return { refusal: { code: error.name, message: error.message } };
      }
    },
  };
}
