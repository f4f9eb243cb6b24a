import { createVirtualClock } from "#base/clock.ts";
import type { RequestContext } from "#base/context.ts";
import { systemRandom } from "#base/random.ts";
import type { AuthenticationMode } from "#protocol/auth/auth.ts";
import { rootPrincipal } from "#protocol/protocol.ts";
import type { OperationInput, OperationOutput, Service } from "#protocol/service/service.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { Iam as IamSdk } from "../deps.ts";
import { createIam } from "../iam.ts";
import type { Sts as StsSdk } from "../sts-deps.ts";

export const accountId = "123456789012";
export const trustPolicy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { Service: "lambda.amazonaws.com" },
      Action: "sts:AssumeRole",
    },
  ],
});
export const somePolicy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/*" }],
});

/** A fresh installation on a memory store, called without a wire. */
export function setUp(mode: AuthenticationMode = "open") {
  const clock = createVirtualClock(Date.parse("2026-03-01T12:00:00Z"));
  const store = createMemoryStore();
  const made = createIam({ store, clock, random: systemRandom, mode });
  const context = (arn = rootPrincipal(accountId).arn): RequestContext => ({
    requestId: "00000000-0000-4000-8000-000000000000",
    principal: { arn, accountId },
    region: "us-east-1",
    deadlineMs: clock.nowMs() + 60_000,
    signal: new AbortController().signal,
    trace: { traceId: "1-0-0", spanId: undefined, sampled: false, hops: 0 },
    endpoint: "http://localhost:4566",
    log: { event: () => undefined },
  });
  const call = async (
    service: Service,
    name: string,
    input: object,
    principalArn?: string,
  ): Promise<object> => {
    const operation = service.operations.get(name);
    if (!operation) throw new Error(`no row for ${name}`);
    return operation.handle(input, context(principalArn));
  };
  return {
    ...made,
    clock,
    store,
    iamCall: async <Op extends string>(
      name: Op,
      input: Partial<OperationInput<IamSdk, Op>>,
      principalArn?: string,
    ) => (await call(made.iam, name, input, principalArn)) as OperationOutput<IamSdk, Op>, // the table types it
    stsCall: async <Op extends string>(
      name: Op,
      input: Partial<OperationInput<StsSdk, Op>>,
      principalArn?: string,
    ) => (await call(made.sts, name, input, principalArn)) as OperationOutput<StsSdk, Op>, // the table types it
  };
}
