import type * as DynamoDbStreamsSdk from "@aws-sdk/client-dynamodb-streams";
import type { Clock } from "#base/clock.ts";
import type { Logger, RequestContext } from "#base/context.ts";
import type { Store } from "#storage/storage.ts";
import type { StreamPlace } from "../stream-records.ts";
import { streamNotFound, streamValidation } from "./errors.ts";
import { placeOfStream } from "./names.ts";

export type DynamoDbStreams = typeof DynamoDbStreamsSdk;

export interface StreamsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The stream of the caller's that is meant. Throws ValidationException or ResourceNotFoundException. */
export function placeAsked(arn: string, context: RequestContext): StreamPlace {
  const place = placeOfStream(arn);
  if (!place) throw streamValidation("Invalid StreamArn");
  const { principal, region } = context;
  if (place.accountId !== principal.accountId || place.region !== region) throw streamNotFound(arn);
  return place;
}
