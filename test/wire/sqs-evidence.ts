import assert from "node:assert/strict";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";

const queues = ["q", "q.fifo"] as const;
const groups = ["a", "b", "c"];
type Queue = (typeof queues)[number];

interface Sent {
  readonly queue: Queue;
  readonly group: string;
  /** Of a FIFO group: the order in which its messages were sent, each after the one before was answered. */
  readonly place: number;
  isAcknowledged: boolean;
  deletion: "none" | "asked" | "acknowledged";
  /** Receives seen so far; never fewer later. */
  receiveCount: number;
}

/** What callers of a queue know, and what must therefore be true of it however it was killed. */
export class QueueEvidence {
  readonly #sent = new Map<string, Sent>();
  readonly #chains = new Map<string, Promise<unknown>>();
  readonly #places = new Map<string, number>();
  answered = 0;
  onAnswer: () => void = () => undefined;

  /** Sends, receives, deletes and gives back until the server is gone. */
  async work(
    client: SQSClient,
    { name, below }: { readonly name: string; readonly below: (bound: number) => number },
  ): Promise<void> {
    try {
      for (let index = 0; ; index++) {
        const queue = queues[below(2)] ?? "q";
        if (below(5) < 3) await this.#send(client, { queue, body: `${name}.${index}`, below });
        else await this.#receive(client, queue, below(4) > 0);
        this.answered += 1;
        this.onAnswer();
      }
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      // The server is gone; what was asked last may have happened or not.
    }
  }

  async #send(
    client: SQSClient,
    message: {
      readonly queue: Queue;
      readonly body: string;
      readonly below: (n: number) => number;
    },
  ): Promise<void> {
    const { queue, body, below } = message;
    const group = groups[below(groups.length)] ?? "a";
    if (queue === "q") return await this.#sendOne(client, { queue, body, group });
    // One after the other within a group, so that there is an order to keep.
    const before = this.#chains.get(group) ?? Promise.resolve();
    const turn = before.then(() => this.#sendOne(client, { queue, body, group }));
    this.#chains.set(
      group,
      turn.catch(() => undefined),
    );
    await turn;
  }

  async #sendOne(
    client: SQSClient,
    {
      queue,
      body,
      group,
    }: { readonly queue: Queue; readonly body: string; readonly group: string },
  ): Promise<void> {
    const place = (this.#places.get(group) ?? 0) + 1;
    this.#places.set(group, place);
    const sent: Sent = {
      queue,
      group,
      place,
      isAcknowledged: false,
      deletion: "none",
      receiveCount: 0,
    };
    this.#sent.set(body, sent);
    const more = queue === "q.fifo" ? { MessageGroupId: group } : {};
    await client.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: body, ...more }));
    sent.isAcknowledged = true;
  }

  async #receive(client: SQSClient, queue: Queue, deletes: boolean): Promise<number> {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: queue,
        MaxNumberOfMessages: 3,
        VisibilityTimeout: 2,
        MessageSystemAttributeNames: ["ApproximateReceiveCount"],
      }),
    );
    const places = new Map<string, number>();
    for (const message of Messages) {
      const sent = this.#see(message, queue);
      if (queue === "q.fifo") {
        assert.ok((places.get(sent.group) ?? 0) < sent.place, "a group comes in order");
        places.set(sent.group, sent.place);
        this.#checkOrder(sent);
      }
    }
    for (const message of Messages) {
      const receipt = { QueueUrl: queue, ReceiptHandle: message.ReceiptHandle };
      const sent = this.#sent.get(message.Body ?? "");
      if (deletes && sent) {
        if (sent.deletion === "none") sent.deletion = "asked";
        const command = new DeleteMessageCommand(receipt);
        // A FIFO receipt may be over on a busy machine; then nothing was deleted.
        const isDone = await client.send(command).then(
          () => true,
          (error: Error) => {
            if (/expired/.test(error.message)) return false;
            throw error;
          },
        );
        if (isDone) sent.deletion = "acknowledged";
      } else {
        const change = { ...receipt, VisibilityTimeout: 0 };
        await client.send(new ChangeMessageVisibilityCommand(change)).catch((error: Error) => {
          if (!/in flight|not exist/.test(error.message)) throw error;
        });
      }
    }
    return Messages.length;
  }

  #see({ Body = "", Attributes }: Message, queue: Queue): Sent {
    const sent = this.#sent.get(Body);
    assert.ok(sent, `${Body} was sent`);
    assert.equal(sent.queue, queue);
    assert.notEqual(sent.deletion, "acknowledged", `${Body} was deleted and is back`);
    const receiveCount = Number(Attributes?.ApproximateReceiveCount);
    assert.ok(receiveCount >= sent.receiveCount, "the count of receives never goes down");
    sent.receiveCount = receiveCount;
    return sent;
  }

  /** Whatever was acknowledged before it in its group is deleted, or was asked to be, or came with it. */
  #checkOrder({ group, place }: Sent): void {
    for (const [body, other] of this.#sent) {
      const isBefore = other.queue === "q.fifo" && other.group === group && other.place < place;
      if (!isBefore || !other.isAcknowledged) continue;
      assert.ok(other.deletion !== "none" || other.receiveCount > 0, `${body} was overtaken`);
    }
  }

  /** Takes out all there is. */
  async drain(client: SQSClient): Promise<void> {
    for (const queue of queues) {
      for (let emptyInARow = 0; emptyInARow < 3;) {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl: queue,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 1,
          }),
        );
        emptyInARow = Messages.length === 0 ? emptyInARow + 1 : 0;
        for (const message of Messages) {
          const sent = this.#sent.get(message.Body ?? "");
          assert.ok(sent);
          assert.notEqual(sent.deletion, "acknowledged", `${message.Body} was deleted and is back`);
          const receipt = { QueueUrl: queue, ReceiptHandle: message.ReceiptHandle };
          await client.send(new DeleteMessageCommand(receipt));
          sent.deletion = "acknowledged";
        }
      }
    }
  }

  /** After the drain: every message that was acknowledged has been deleted by somebody who had received it. */
  check(): void {
    const lost = [...this.#sent].filter(
      ([, { isAcknowledged, deletion }]) => isAcknowledged && deletion === "none",
    );
    assert.deepEqual(lost, []);
  }

  summary(): string {
    const all = [...this.#sent.values()];
    const acknowledged = all.filter(({ isAcknowledged }) => isAcknowledged).length;
    return `${this.answered} requests answered, ${acknowledged} of ${all.length} messages acknowledged, 0 lost`;
  }
}
