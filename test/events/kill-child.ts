import { writeSync } from "node:fs";
import { systemRandom } from "#base/random.ts";
import { accountId, arnOf, openSpine, queues, region, said, texts } from "./spine-process.ts";

// Sends until it is killed. Arguments: directory, a name unique to this process.
const [directory = "", name = ""] = process.argv.slice(2);
const groups = ["a", "b", "c"];
const sendersPerQueue = 4;

const { store, outbox } = await openSpine(directory);
writeSync(1, "ready\n");
await Promise.all(
  queues.flatMap((queue) =>
    Array.from({ length: sendersPerQueue }, (_, sender) => send(queue, `${name}.${sender}`)),
  ),
);

async function send(queue: string, sender: string): Promise<never> {
  const isFifo = queue.endsWith(".fifo");
  for (let n = 0; ; n++) {
    const group = groups[Math.floor(systemRandom.fraction() * groups.length)] ?? "";
    const id = `${queue}/${sender}.${group}/${String(n).padStart(8, "0")}`;
    await store.write((tx) => {
      tx.put(said(id), texts.encode(id));
      outbox.add(tx, {
        targetArn: arnOf(queue),
        record: {
          id,
          event: Buffer.from(id),
          ...(isFifo && { group: `${sender}.${group}`, deduplicationId: id.replace("/", ".") }),
        },
        origin: { service: "s3.amazonaws.com", arn: "arn:aws:s3:::b", accountId, region },
        retry: { attemptsMax: 1_000, ageMaxMs: 3_600_000, baseMs: 10, capMs: 100 },
        ...(isFifo && { orderKey: `${queue}/${sender}.${group}` }),
      });
    });
    // Synchronous: what the parent has not got in its pipe was not said.
    writeSync(1, `${id}\n`);
  }
}
