import * as sdk from "@aws-sdk/client-scheduler";
import { createOutbox } from "#events/outbox/outbox.ts";
import { createRecorder, createSpineParts } from "#events/testing/spine.ts";
import { serve } from "#protocol/testing/serve.ts";
import type { Store } from "#storage/storage.ts";
import { createScheduler } from "../scheduler.ts";

export const accountId = "123456789012";
export const region = "us-east-1";
export const queueArn = `arn:aws:sqs:${region}:${accountId}:q`;
export const deadArn = `arn:aws:sqs:${region}:${accountId}:dead`;
export const busArn = `arn:aws:events:${region}:${accountId}:event-bus/default`;

/** The service behind a socket, with a client, an outbox, and targets that note what comes. */
export async function setUp(
  options: {
    readonly store?: Store;
    readonly seed?: number;
    readonly answer?: (count: number) => unknown;
  } = {},
) {
  const parts = createSpineParts(options.seed ?? 11, options.store);
  const { targets } = parts;
  const queue = createRecorder((_, count) => options.answer?.(count));
  const dead = createRecorder();
  const bus = createRecorder();
  targets.register("sqs", (arn) => (arn === deadArn ? dead : queue));
  targets.register("events", () => bus);
  const outbox = createOutbox(parts);
  const made = createScheduler({ ...parts, outbox });
  targets.register("scheduler", made.target);
  const loader = {
    name: "scheduler",
    signingName: "scheduler",
    endpointPrefix: "scheduler",
    load: async () => made.service,
  };
  const server = await serve([loader], { mode: "open", keys: { find: async () => undefined } });
  const client = new sdk.SchedulerClient({
    endpoint: server.endpoint,
    region,
    credentials: { accessKeyId: accountId, secretAccessKey: "x" },
    maxAttempts: 1,
  });
  return {
    ...parts,
    made,
    queue,
    dead,
    bus,
    client,
    endpoint: server.endpoint,
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server[Symbol.asyncDispose]();
      await outbox[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
    },
  };
}
