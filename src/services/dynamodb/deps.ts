import type * as DynamoDbSdk from "@aws-sdk/client-dynamodb";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { Store } from "#storage/storage.ts";
import type { Expressions } from "./expressions/expressions.ts";
import type { Sweeper } from "./sweeper/sweeper.ts";
import type { Tables } from "./tables/tables.ts";

export type DynamoDb = typeof DynamoDbSdk;

/** What the service is made from. */
export interface DynamodbDeps {
  /** Items, index entries, stream records. */
  readonly store: Store;
  /**
   * The same store, whose writes every worker has noticed when they resolve: descriptions of tables, which
   * all of them keep in memory.
   */
  readonly shared: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What every operation may use. */
export interface OperationDeps extends DynamodbDeps {
  readonly tables: Tables;
  readonly expressions: Expressions;
  readonly sweeper: Sweeper;
}
