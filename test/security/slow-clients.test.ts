import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { deploy, publish, source } from "../support/functions.ts";
import { visit } from "../support/neighbour.ts";
import { exchange } from "../support/raw-http.ts";
import { type Platform, startPlatform } from "../wire/platform.ts";
import { createScoreboard } from "./support/scoreboard.ts";

const socketCount = 2_000;
/** Below the number of attackers, so that each of them fills the server. */
const connectionsMax = 1_024;

/**
 * Slow clients in every form, two thousand at once, from four addresses of the loopback network, while
 * healthy ones go on from a fifth. Limits one by one: src/gateway/slow-clients.test.ts.
 */
describe("slow clients by the thousand", () => {
  const scores = createScoreboard("Slow clients");
  let platform: Platform;
  let lambda: LambdaClient;
  let url: string;
  let host: string;
  before(async () => {
    platform = await startPlatform({ connectionsMax, connectionsPerAddressMax: 600 });
    lambda = new LambdaClient(platform.client);
    await deploy(lambda, "neighbour", { "index.mjs": await source("echo.mjs") });
    await deploy(lambda, "large", {
      "index.mjs": `const body = "x".repeat(1e6); export const handler = async () => ({ statusCode: 200, body });`,
    });
    url = await publish(lambda, "neighbour");
    ({ host } = new URL(await publish(lambda, "large")));
  });
  after(async () => {
    lambda.destroy();
    await platform.stop();
    scores.print();
  });

  const forms: Readonly<Record<string, () => string>> = {
    "slow heads": () => `GET / HTTP/1.1\r\nHost: ${host}\r\nX-A`,
    "slow bodies": () => `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000000\r\n\r\nx`,
    "idle connections": () => "GET /_skerry/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
  };
  for (const [what, opening] of Object.entries(forms))
    test(`${socketCount} times ${what}: healthy callers are served`, async () => {
      const visitors = visit(url, { perSecond: 20, connectionsMax: 16 });
      await visitors.answers(1);
      const crowd = await open(platform.port, opening());
      await visitors.answers(10);
      const service = await visitors.stop();
      for (const socket of crowd) socket.destroy();
      assert.deepEqual(service.errors, []);
      const blocked = { row: "31 slow clients", attack: what, runtime: "platform", blocked: true };
      scores.add({ ...blocked, runtime: "platform", control: await nodeAlone(opening()) });
    });

  test("readers who do not read: healthy callers are served, memory stays", async () => {
    const visitors = visit(url, { perSecond: 20, connectionsMax: 16 });
    await visitors.answers(1);
    const before = process.memoryUsage().rss;
    const readers = await open(platform.port, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 200);
    for (const socket of readers) socket.pause();
    await visitors.answers(20);
    const grownMiB = (process.memoryUsage().rss - before) / 1024 / 1024;
    const service = await visitors.stop();
    for (const socket of readers) socket.destroy();
    assert.deepEqual(service.errors, []);
    assert.ok(grownMiB < 512, `grew by ${grownMiB} MiB`); // the bound, and as much again of garbage
    const impossible = "a server without a bound takes the host's memory";
    const attack = "readers who do not read";
    scores.add({
      row: "31 slow clients",
      attack,
      runtime: "platform",
      blocked: true,
      control: { impossible },
    });
  });

  test("a reader who reads on gets all of it after the storm", async () => {
    const answer = await exchange(
      platform.port,
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    assert.ok(answer.endsWith("x".repeat(1e6)));
  });
});

/** From addresses 127.0.0.2 to 127.0.0.5; whether the server keeps them is its affair. */
async function open(port: number, opening: string, count = socketCount): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let index = 0; index < count; index++) {
    const localAddress = `127.0.0.${2 + (index % 4)}`;
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    socket.on("error", () => undefined); // being cut off is what is tested
    sockets.push(socket);
    if (index % 100 === 99) await Promise.race([once(socket, "connect"), once(socket, "close")]);
    if (opening !== "") socket.write(opening);
  }
  return sockets;
}

/** The control: Node's server with the same cap and nothing else has no place left for a healthy caller. */
async function nodeAlone(opening: string): Promise<"succeeded" | "failed"> {
  const server = createServer((_, response) => response.end("fine"));
  server.maxConnections = connectionsMax;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // a TCP server
  const crowd = await open(port, opening);
  const answer = await exchange(port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  for (const socket of crowd) socket.destroy();
  server.closeAllConnections();
  server.close();
  return answer === "" ? "succeeded" : "failed";
}
