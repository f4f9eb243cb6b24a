import type * as IamSdk from "@aws-sdk/client-iam";
import type { Clock } from "#base/clock.ts";
import type { Random } from "#base/random.ts";
import type { OperationTable } from "#protocol/service/service.ts";
import type { Store } from "#storage/storage.ts";

/** What every operation of IAM may use. */
export interface IamDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

export type Iam = typeof IamSdk;

/** Some rows of IAM's table; the files in `operations/` each contribute theirs. */
export type IamRows = OperationTable<Iam>;
