import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { InvokeCommand, LambdaClient, ServiceException } from "@aws-sdk/client-lambda";
import { systemClock } from "#base/clock.ts";
import { findBubblewrap } from "#functions/sandbox/drivers/bubblewrap/probe.ts";
import { launcherProcess, processesNaming } from "#functions/sandbox/testing/host.ts";
import { deploy, publish } from "../support/functions.ts";
import { exchange, parseAnswers, type RawAnswer } from "../support/raw-http.ts";
import { startPlatform, type Platform } from "./platform.ts";

const skip =
  findBubblewrap() === undefined
    ? "bubblewrap is not installed"
    : process.getuid?.() !== 0 && "needs root, where no sandbox outlives the launcher";

const never = new AbortController().signal;

const code = `export const handler = async (event) => {
  const quick = event.quick ?? event.rawQueryString?.startsWith("quick");
  if (quick) return { statusCode: 200, body: "quick" };
  await new Promise(() => setInterval(() => {}, 1000));
};`;

describe("when the launcher is killed", { skip, timeout: 120_000 }, () => {
  let platform: Platform;
  let lambda: LambdaClient;
  let host: string;
  before(async () => {
    platform = await startPlatform({ prebootKinds: [], genericPerKind: 0 });
    lambda = new LambdaClient(platform.client);
    await deploy(lambda, "hangs", { "index.mjs": code }, { Timeout: 60 });
    ({ host } = new URL(await publish(lambda, "hangs")));
  });
  after(() => platform[Symbol.asyncDispose]());

  const visit = async (target: string): Promise<RawAnswer> => {
    const head = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const [answer] = parseAnswers(await exchange(platform.port, head));
    assert(answer);
    return answer;
  };
  const busyCount = async (): Promise<number> => {
    const answer = await fetch(`${platform.endpoint}/_skerry/functions`);
    const { environments } = (await answer.json()) as { environments: { state: string }[] };
    return environments.filter((one) => one.state === "busy").length;
  };

  test("callers are told to try again, in the words of the door they came through, and can", async () => {
    const invoked = lambda.send(new InvokeCommand({ FunctionName: "hangs", Payload: "{}" }));
    const visited = visit("/");
    const refused = assert.rejects(invoked, (error) => {
      assert(error instanceof ServiceException, String(error));
      assert.equal(error.$metadata.httpStatusCode, 500);
      return true;
    });
    // No event tells it; looking without a pause would keep the platform, which is this process, busy.
    while ((await busyCount()) < 2) await systemClock.sleep(10, never);
    const [first] = processesNaming(platform.dataDir).filter((pid) => pid !== process.pid);
    process.kill(launcherProcess(first), "SIGKILL");
    const killedAt = performance.now();
    await refused;
    const answer = await visited;
    assert.equal(answer.status, 503);
    assert(
      answer.lines.some((line) => /^retry-after: 1$/i.test(line)),
      answer.lines.join("\n"),
    );
    const again = await lambda.send(
      new InvokeCommand({ FunctionName: "hangs", Payload: `{"quick":true}` }),
    );
    assert.equal(again.FunctionError, undefined);
    console.log(`answers again ${(performance.now() - killedAt).toFixed(0)} ms after the death`);
    assert.equal((await visit("/?quick")).body, "quick");
  });
});
