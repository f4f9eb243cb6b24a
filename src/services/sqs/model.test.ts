import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { Store } from "#storage/storage.ts";
import { type ModelMessage, type ModelSettings, QueueModel } from "./testing/model.ts";
import { arnOf, setUp, urlOf } from "./testing/set-up.ts";

type Step =
  | { readonly kind: "send"; readonly group: string; readonly body: string; readonly delay: number }
  | { readonly kind: "receive" }
  | { readonly kind: "delete"; readonly which: number }
  | { readonly kind: "change"; readonly which: number; readonly seconds: number }
  | { readonly kind: "advance"; readonly seconds: number }
  | { readonly kind: "count" };

const which = fc.nat(5);
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom("a", "b", "c"), fc.nat(40), fc.constantFrom(0, 0, 0, 3, 7))
        .map(([group, body, delay]): Step => ({ kind: "send", group, body: `${body}`, delay })),
    },
    { weight: 5, arbitrary: fc.constant<Step>({ kind: "receive" }) },
    { weight: 2, arbitrary: which.map((at): Step => ({ kind: "delete", which: at })) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(which, fc.constantFrom(0, 1, 5, 30))
        .map(([at, seconds]): Step => ({ kind: "change", which: at, seconds })),
    },
    {
      weight: 3,
      arbitrary: fc
        .constantFrom(1, 2, 5, 10, 100, 301)
        .map((seconds): Step => ({ kind: "advance", seconds })),
    },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: "count" }) },
  ),
  { maxLength: 80 },
);

for (const isFifo of [false, true]) {
  const kind = isFifo ? "FIFO" : "standard";
  test(`a ${kind} queue does what a plain list does`, async () => {
    const property = fc.asyncProperty(steps, (all) => play(createMemoryStore(), isFifo, all));
    await fc.assert(property, { numRuns: 150 });
  });

  test(`a ${kind} queue does so on disk`, async (t) => {
    const directory = await mkdtemp(path.join(tmpdir(), "skerry-sqs-"));
    t.after(() => rm(directory, { recursive: true, force: true }));
    let round = 0;
    const property = fc.asyncProperty(steps, async (all) => {
      const where = { path: path.join(directory, `${round++}`), bytesMax: 2 ** 28 };
      await using store = await openLmdbStore(where);
      await play(store, isFifo, all);
    });
    await fc.assert(property, { numRuns: 6 });
  });
}

interface Receipt {
  readonly handle: string;
  readonly message: ModelMessage;
  readonly receiveCount: number;
}

async function play(store: Store, isFifo: boolean, all: readonly Step[]): Promise<void> {
  const settings = { isFifo, visibilityMs: 10_000, maxReceiveCount: isFifo ? Infinity : 3 };
  const player = new Player(store, settings);
  await player.start();
  for (const step of all) await player.step(step);
  await player.end();
}

class Player {
  readonly #service: ReturnType<typeof setUp>;
  readonly #model: QueueModel;
  readonly #isFifo: boolean;
  readonly #queueUrl: string;
  readonly #receipts: Receipt[] = [];

  constructor(store: Store, settings: ModelSettings) {
    this.#service = setUp({ store });
    this.#model = new QueueModel(settings);
    this.#isFifo = settings.isFifo;
    this.#queueUrl = urlOf(settings.isFifo ? "q.fifo" : "q");
  }

  async start(): Promise<void> {
    const { call } = this.#service;
    await call("CreateQueue", { QueueName: "dead" });
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: arnOf("dead"),
      maxReceiveCount: 3,
    });
    const kind = this.#isFifo
      ? { FifoQueue: "true", ContentBasedDeduplication: "true" }
      : { RedrivePolicy };
    await call("CreateQueue", {
      QueueName: this.#isFifo ? "q.fifo" : "q",
      Attributes: { VisibilityTimeout: "10", ...kind },
    });
  }

  /** All that became a dead letter is in the other queue, in the order of its death. */
  async end(): Promise<void> {
    const { call, sqs } = this.#service;
    const found: (string | undefined)[] = [];
    for (;;) {
      const { Messages = [] } = await call("ReceiveMessage", {
        QueueUrl: urlOf("dead"),
        MaxNumberOfMessages: 10,
      });
      if (Messages.length === 0) break;
      found.push(...Messages.map(({ Body }) => Body));
    }
    assert.deepEqual(found, this.#model.dead);
    await sqs[Symbol.asyncDispose]();
  }

  async step(step: Step): Promise<void> {
    switch (step.kind) {
      case "send":
        return await this.#send(step);
      case "receive":
        return await this.#receive();
      case "delete":
        return await this.#delete(step.which);
      case "change":
        return await this.#change(step.which, step.seconds);
      case "count":
        return await this.#count();
      case "advance":
        return await this.#service.clock.advance(step.seconds * 1_000);
    }
  }

  get #nowMs(): number {
    return this.#service.clock.nowMs();
  }

  async #send({ group, body, delay }: Extract<Step, { kind: "send" }>): Promise<void> {
    const more = this.#isFifo ? { MessageGroupId: group } : { DelaySeconds: delay };
    const input = { QueueUrl: this.#queueUrl, MessageBody: body, ...more };
    await this.#service.call("SendMessage", input);
    const message = {
      body,
      group: this.#isFifo ? group : undefined,
      once: this.#isFifo ? body : undefined,
    };
    const delayMs = this.#isFifo ? 0 : delay * 1_000;
    this.#model.send(message, { nowMs: this.#nowMs, delayMs });
  }

  async #receive(): Promise<void> {
    const candidates = this.#model.candidates(this.#nowMs);
    const { Messages = [] } = await this.#service.call("ReceiveMessage", {
      QueueUrl: this.#queueUrl,
      AttributeNames: ["All"],
    });
    const [got] = Messages;
    if (!got) return assert.deepEqual(candidates, []);
    const { Body, Attributes, ReceiptHandle: handle = "" } = got;
    const message = candidates.find(
      ({ body, group }) => body === Body && group === Attributes?.MessageGroupId,
    );
    assert.ok(message, `${Body} of ${JSON.stringify(candidates)}`);
    this.#model.receive(message, this.#nowMs);
    assert.equal(Attributes?.ApproximateReceiveCount, String(message.receiveCount));
    this.#receipts.push({ handle, message, receiveCount: message.receiveCount });
  }

  /** One of the last receipts, outdated ones among them. */
  #pick(at: number): Receipt | undefined {
    return this.#receipts.at(-1 - at);
  }

  async #delete(at: number): Promise<void> {
    const receipt = this.#pick(at);
    if (!receipt) return;
    const { handle, message, receiveCount } = receipt;
    const isAllowed = this.#model.delete(message, receiveCount, this.#nowMs);
    const input = { QueueUrl: this.#queueUrl, ReceiptHandle: handle };
    const deleting = this.#service.call("DeleteMessage", input);
    if (isAllowed) await deleting;
    else await assert.rejects(deleting, /The receipt handle has expired/);
  }

  async #change(at: number, seconds: number): Promise<void> {
    const receipt = this.#pick(at);
    if (!receipt) return;
    const { handle, message, receiveCount } = receipt;
    const to = { nowMs: this.#nowMs, visibilityMs: seconds * 1_000 };
    const isAllowed = this.#model.change(message, receiveCount, to);
    const changing = this.#service.call("ChangeMessageVisibility", {
      QueueUrl: this.#queueUrl,
      ReceiptHandle: handle,
      VisibilityTimeout: seconds,
    });
    if (isAllowed) await changing;
    else await assert.rejects(changing, /isn't in flight|Message does not exist/);
  }

  async #count(): Promise<void> {
    const { Attributes } = await this.#service.call("GetQueueAttributes", {
      QueueUrl: this.#queueUrl,
      AttributeNames: ["All"],
    });
    const actual = [
      Attributes?.ApproximateNumberOfMessages,
      Attributes?.ApproximateNumberOfMessagesNotVisible,
      Attributes?.ApproximateNumberOfMessagesDelayed,
    ];
    assert.deepEqual(actual.map(Number), this.#model.counts(this.#nowMs));
  }
}
