import type { RequestContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { createOutbox } from "#events/outbox/outbox.ts";
import { createSpineParts } from "#events/testing/spine.ts";
import type { EventRecord } from "#events/events.ts";
import { rootPrincipal } from "#protocol/protocol.ts";
import type { OperationInput, OperationOutput } from "#protocol/service/service.ts";
import type { Sns } from "../deps.ts";
import { createSns } from "../sns.ts";

export const accountId = "123456789012";
export const region = "us-east-1";

export function topicArnOf(name: string): string {
  return `arn:aws:sns:${region}:${accountId}:${name}`;
}

export function queueArnOf(name: string): string {
  return `arn:aws:sqs:${region}:${accountId}:${name}`;
}

/** A fresh service with the outbox behind it; queues and functions note what reaches them. */
export function setUp(mode: "open" | "strict" = "open") {
  const parts = createSpineParts(7);
  const outbox = createOutbox(parts);
  const sns = createSns({ ...parts, outbox, mode });
  const received: { readonly arn: string; readonly record: EventRecord }[] = [];
  /** ARNs that refuse everything. */
  const refusing = new Set<string>();
  /** ARNs of what has been deleted. */
  const gone = new Set<string>();
  for (const service of ["sqs", "lambda"]) {
    parts.targets.register(service, (arn) => ({
      async deliver(records) {
        if (refusing.has(arn)) throw new Error("not now");
        if (gone.has(arn)) throw new PlatformError("target.unknown", `there is no ${arn}`);
        received.push(...records.map((record) => ({ arn, record })));
        return new Set();
      },
    }));
  }
  const contextOf = (account = accountId): RequestContext => ({
    requestId: "00000000-0000-4000-8000-000000000000",
    principal: rootPrincipal(account),
    region,
    deadlineMs: parts.clock.nowMs() + 60_000,
    signal: new AbortController().signal,
    trace: {
      traceId: "1-67891233-abcdef012345678912345678",
      spanId: "53995c3f42cd8ad8",
      sampled: true,
      hops: 1,
    },
    endpoint: "http://localhost:4566",
    log: parts.log,
  });
  const call = async <Op extends string>(
    name: Op,
    input: Partial<OperationInput<Sns, Op>>,
    context = contextOf(),
  ): Promise<OperationOutput<Sns, Op>> => {
    const operation = sns.service.operations.get(name);
    if (!operation) throw new Error(`no row for ${name}`);
    return (await operation.handle(input, context)) as OperationOutput<Sns, Op>; // the table types it
  };
  /** What has arrived once the outbox had its turn. */
  const arrivals = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return received.splice(0).map(({ arn, record }) => ({
      to: arn.split(":").at(-1),
      text: Buffer.from(record.event).toString(),
      record,
    }));
  };
  return { ...parts, sns, outbox, call, contextOf, arrivals, refusing, gone };
}
