import type { Service } from "#protocol/service/service.ts";
import type { S3Deps } from "./deps.ts";
import { createCollector } from "./garbage.ts";
import { createLifecycleSweeper } from "./lifecycle.ts";
import { createObjectReader, type ObjectReader } from "./object-reader.ts";
import { defineS3 } from "./operations.ts";

/** Buckets and their objects. */
export interface S3 extends AsyncDisposable {
  readonly service: Service;
  /** Where functions' packages may come from. */
  readonly objects: ObjectReader;
  /** Removes the files that no object names any more; happens by itself too. */
  collect(): Promise<void>;
  /** Carries out lifecycle configurations now instead of at midnight. */
  sweep(): Promise<void>;
}

/** Disposing ends what runs in the background. */
export function createS3(deps: S3Deps): S3 {
  const collector = createCollector(deps);
  const sweeper = createLifecycleSweeper(deps);
  return {
    service: defineS3(deps),
    objects: createObjectReader(deps),
    collect: () => collector.collect(),
    sweep: () => sweeper.sweep(),
    async [Symbol.asyncDispose]() {
      await sweeper[Symbol.asyncDispose]();
      await collector[Symbol.asyncDispose]();
    },
  };
}
