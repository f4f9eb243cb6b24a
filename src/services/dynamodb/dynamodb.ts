import type { EventSource } from "#events/events.ts";
import type { Service } from "#protocol/service/service.ts";
import type { DynamodbDeps } from "./deps.ts";
import { createExpressions } from "./expressions/expressions.ts";
import { defineDynamodb } from "./operations.ts";
import { defineDynamodbStreams } from "./stream-operations.ts";
import { createStreamSources } from "./streams/source.ts";
import { createTrimmer } from "./streams/trimmer.ts";
import { createSweeper } from "./sweeper/sweeper.ts";
import { createTables } from "./tables/tables.ts";

/** Tables, their items, indexes and queries, and the records of their streams. */
export interface Dynamodb extends AsyncDisposable {
  readonly service: Service;
  /** The other API over the same records: DynamoDB Streams. */
  readonly streams: Service;
  /** The stream with this ARN, for functions that are woken by it. */
  readonly source: (arn: string) => EventSource | undefined;
  /** Resolves when nothing is left to fill, remove or expire now. */
  settle(): Promise<void>;
}

/** Disposing ends what is removed and filled in the background; it goes on where it was at the next start. */
export function createDynamodb(deps: DynamodbDeps): Dynamodb {
  const tables = createTables(deps);
  const sweeper = createSweeper({ ...deps, tables });
  const trimmer = createTrimmer(deps);
  const expressions = createExpressions();
  return {
    service: defineDynamodb({ ...deps, tables, sweeper, expressions }),
    streams: defineDynamodbStreams(deps),
    source: createStreamSources(deps),
    settle: () => sweeper.settle(),
    async [Symbol.asyncDispose]() {
      await trimmer[Symbol.asyncDispose]();
      await sweeper[Symbol.asyncDispose]();
      await tables[Symbol.asyncDispose]();
    },
  };
}
