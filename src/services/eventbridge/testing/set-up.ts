import * as sdk from "@aws-sdk/client-eventbridge";
import type { VirtualClock } from "#base/clock.ts";
import { createOutbox } from "#events/outbox/outbox.ts";
import { createRecorder, createSpineParts } from "#events/testing/spine.ts";
import { serve } from "#protocol/testing/serve.ts";
import type { Store } from "#storage/storage.ts";
import { createEventBridge } from "../eventbridge.ts";

export const accountId = "123456789012";
export const region = "us-east-1";
export const queueArn = `arn:aws:sqs:${region}:${accountId}:q`;
export const deadArn = `arn:aws:sqs:${region}:${accountId}:dead`;
export const functionArn = `arn:aws:lambda:${region}:${accountId}:function:f`;

/** The service behind a socket, with a client, an outbox, and targets that note what comes. */
export async function setUp(
  options: { readonly store?: Store; readonly answer?: (count: number) => unknown } = {},
) {
  const parts = createSpineParts(7, options.store);
  const { targets } = parts;
  const queue = createRecorder((_, count) => options.answer?.(count));
  const dead = createRecorder();
  const lambda = createRecorder();
  targets.register("sqs", (arn) => (arn === deadArn ? dead : queue));
  targets.register("lambda", () => lambda);
  const outbox = createOutbox(parts);
  const made = createEventBridge({ ...parts, outbox, mode: "open" });
  targets.register("events", made.target);
  const loader = {
    name: "eventbridge",
    signingName: "events",
    endpointPrefix: "events",
    targetPrefix: "AWSEvents",
    load: async () => made.service,
  };
  const server = await serve([loader], { mode: "open", keys: { find: async () => undefined } });
  const client = new sdk.EventBridgeClient({
    endpoint: server.endpoint,
    region,
    credentials: { accessKeyId: accountId, secretAccessKey: "x" },
    maxAttempts: 1,
  });
  return {
    ...parts,
    made,
    outbox,
    queue,
    dead,
    lambda,
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

/** Time passes until something has come, however slow the machine is. */
export async function passUntil(
  clock: VirtualClock,
  isDone: () => boolean,
  { stepMs, stepsMax = 10_000 }: { readonly stepMs: number; readonly stepsMax?: number },
): Promise<void> {
  for (let n = 0; n < stepsMax && !isDone(); n++) {
    await clock.advance(stepMs);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}
