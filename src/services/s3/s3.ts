import type { Service } from "#protocol/service/service.ts";
import type { S3Deps } from "./deps.ts";
import { type BucketFront, createBucketFront } from "./bucket-front.ts";
import { createCollector } from "./garbage.ts";
import { createLifecycleSweeper } from "./lifecycle.ts";
import { createObjectReader, type ObjectReader } from "./object-reader.ts";
import { keyParts } from "#storage/keys.ts";
import { keys } from "./records.ts";
import { defineS3 } from "./operations.ts";

/** Buckets and their objects. */
export interface S3 extends AsyncDisposable {
  readonly service: Service;
  /** Where functions' packages may come from. */
  readonly objects: ObjectReader;
  /** What pages and forms may do. */
  readonly buckets: BucketFront;
  /** Removes the files that no object names any more; happens by itself too. */
  collect(): Promise<void>;
  /** Ids of the files that objects name, of all of them: for repairs, and after everything was reset. */
  bodyIds(): Promise<readonly string[]>;
  /** Carries out lifecycle configurations now instead of at midnight. */
  sweep(): Promise<void>;
}

/** Disposing ends what runs in the background. */
export function createS3(deps: S3Deps): S3 {
  const service = defineS3(deps);
  const collector = createCollector(deps);
  const sweeper = createLifecycleSweeper(deps);
  return {
    service,
    buckets: createBucketFront(deps, service),
    objects: createObjectReader(deps),
    collect: () => collector.collect(),
    bodyIds: () =>
      deps.store.read((reader) =>
        Array.from(reader.list(keys.everyBody()), ({ key }) => String(keyParts(key).at(-1))),
      ),
    sweep: () => sweeper.sweep(),
    async [Symbol.asyncDispose]() {
      await sweeper[Symbol.asyncDispose]();
      await collector[Symbol.asyncDispose]();
    },
  };
}
