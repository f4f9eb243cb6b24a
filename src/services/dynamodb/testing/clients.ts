import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { serve } from "#protocol/testing/serve.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { createDynamodb } from "../dynamodb.ts";
import { region } from "./set-up.ts";

export const TableName = "notes";

/** The service behind a real socket, and the SDK's client in front of it. */
export async function createClients() {
  const store = createMemoryStore();
  const dynamodb = createDynamodb({
    store,
    shared: store,
    clock: systemClock,
    random: systemRandom,
    log: { event: () => undefined },
  });
  const loader = {
    name: "dynamodb",
    signingName: "dynamodb",
    endpointPrefix: "dynamodb",
    targetPrefix: "DynamoDB_20120810",
    load: async () => dynamodb.service,
  };
  const server = await serve([loader], { mode: "open", keys: { find: async () => undefined } });
  const client = new DynamoDBClient({
    endpoint: server.endpoint,
    region,
    credentials: { accessKeyId: "123456789012", secretAccessKey: "x" },
    maxAttempts: 1,
  });
  return {
    client,
    endpoint: server.endpoint,
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server[Symbol.asyncDispose]();
      await dynamodb[Symbol.asyncDispose]();
    },
  };
}
