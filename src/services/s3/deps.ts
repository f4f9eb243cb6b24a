import type * as S3Sdk from "@aws-sdk/client-s3";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { AuthenticationMode } from "#protocol/auth/auth.ts";
import type { OperationInput, OperationOutput, OperationTable } from "#protocol/service/service.ts";
import type { Bodies } from "#storage/bodies/bodies.ts";
import type { NotificationDeps } from "./notifications/notifications.ts";
import type { Store } from "#storage/storage.ts";

/** What every operation of S3 may use. */
export interface S3Deps extends NotificationDeps {
  readonly store: Store;
  readonly bodies: Bodies;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** `strict`: buckets of other accounts are refused. */
  readonly mode: AuthenticationMode;
}

type S3 = typeof S3Sdk;

/** Some rows of S3's table; the files in `operations/` each contribute theirs. */
export type S3Rows = OperationTable<S3>;
export type Input<Op extends string> = OperationInput<S3, Op>;
export type Output<Op extends string> = OperationOutput<S3, Op>;
