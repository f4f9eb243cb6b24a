import type { Service } from "#protocol/service/service.ts";
import type { DynamodbDeps } from "./deps.ts";
import { createExpressions } from "./expressions/expressions.ts";
import { defineDynamodb } from "./operations.ts";
import { createSweeper } from "./sweeper/sweeper.ts";
import { createTables } from "./tables/tables.ts";

/** Tables, their items, indexes and queries, and the records of their streams. */
export interface Dynamodb extends AsyncDisposable {
  readonly service: Service;
}

/** Disposing ends what is removed and filled in the background; it goes on where it was at the next start. */
export function createDynamodb(deps: DynamodbDeps): Dynamodb {
  const tables = createTables(deps);
  const sweeper = createSweeper({ ...deps, tables });
  const expressions = createExpressions();
  return {
    service: defineDynamodb({ ...deps, tables, sweeper, expressions }),
    async [Symbol.asyncDispose]() {
      await sweeper[Symbol.asyncDispose]();
      await tables[Symbol.asyncDispose]();
    },
  };
}
