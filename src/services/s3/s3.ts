import type { Service } from "#protocol/service/service.ts";
import type { S3Deps } from "./deps.ts";
import { createCollector } from "./garbage.ts";
import { defineS3 } from "./operations.ts";

/** Buckets and their objects. */
export interface S3 extends AsyncDisposable {
  readonly service: Service;
  /** Removes the files that no object names any more; happens by itself too. */
  collect(): Promise<void>;
}

/** Disposing ends what runs in the background. */
export function createS3(deps: S3Deps): S3 {
  const collector = createCollector(deps);
  return {
    service: defineS3(deps),
    collect: () => collector.collect(),
    [Symbol.asyncDispose]: () => collector[Symbol.asyncDispose](),
  };
}
