import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogsClient, paginateFilterLogEvents } from "@aws-sdk/client-cloudwatch-logs";
import type { InvokeMode } from "@aws-sdk/client-lambda";
import { deploy, publish, source } from "../../support/functions.ts";
import { invoke } from "../../support/invoke.ts";
import { visit } from "../../support/neighbour.ts";
import { exchange } from "../../support/raw-http.ts";
import { attempt, deployAttacker, whyNoAttacker } from "../support/attackers.ts";
import type { FarTarget } from "../support/far-platform.ts";
import { startFarTarget } from "../support/far-platform.ts";
import { whyNoSandboxes } from "../support/platform.ts";
import { createScoreboard } from "../support/scoreboard.ts";

/** Streams that go wrong before, in and after their head. */
const streams = `
const endless = async (output, chunk) => {
  for (;;) if (!output.write(chunk)) await new Promise((resolve) => output.once("drain", resolve));
};
export const head = awslambda.streamifyResponse(async (event, output) => {
  output.setContentType("application/vnd.awslambda.http-integration-response");
  output.write('{"statusCode":200,"headers":{');
  await endless(output, '"x-' + "y".repeat(1000) + '":"1",');
});
export const begun = awslambda.streamifyResponse(async (event, output) => {
  output.write("begun");
  await new Promise((resolve) => setTimeout(resolve, 1e9));
});`;

/** What a custom runtime may send to the Runtime API instead of an answer; the next call is another one's. */
const bash = "/usr/bin/bash";
const bootstrap = (deed: string): string => `#!${bash}
connect() { exec 3<>/dev/tcp/127.0.0.1/9001; }
path=/2018-06-01/runtime/invocation
connect
printf 'GET %s/next HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' $path >&3
while IFS= read -r line <&3; do
  case "$line" in [Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d:*) id=\${line#*: }; id=\${id%$'\\r'};; esac
  [ "$line" = $'\\r' ] && break
done
connect
printf 'POST %s/%s/response HTTP/1.1\\r\\nHost: a\\r\\n' $path $id >&3
${deed}
exit 7
`;
const zeros = "printf '%0100000d' 0";
const deeds: Readonly<Record<string, string>> = {
  "heads without an end": `while printf 'X-%s: %01000d\\r\\n' $RANDOM 0 >&3; do :; done`,
  "a body without an end": `printf 'Transfer-Encoding: chunked\\r\\n\\r\\n' >&3
while printf '186a0\\r\\n' >&3 && ${zeros} >&3 && printf '\\r\\n' >&3; do :; done`,
  "a body longer than memory": `printf 'Content-Length: 99999999999\\r\\n\\r\\n' >&3
while ${zeros} >&3; do :; done`,
  "half a body and no more": `printf 'Content-Length: 10\\r\\n\\r\\nhalf' >&3; while :; do sleep 300; done`,
};

const forged = "REPORT RequestId: 00000000-0000-0000-0000-000000000000\tDuration: 0.01 ms\n";
/** What is printed over and over, and MiB of it; a short line is as much work as a long one. */
const floods: Readonly<Record<string, { readonly block: string; readonly size: number }>> = {
  "one endless line": { block: "y", size: 12 },
  "bytes that are no UTF-8": { block: "\xff\xfe\xc3\n", size: 1 },
  "escape sequences": { block: "\x1b[2J\x1b]0;title\x07\x1b[31m\n", size: 2 },
  "lines of the platform": { block: forged, size: 8 },
  "empty lines": { block: "\n", size: 1 },
};

/** What a young process grows by anyway, garbage included; the floods are many times as much. */
const grownMiBMost = 128;

describe("what leaves a sandbox", { skip: whyNoSandboxes ?? false }, () => {
  const scores = createScoreboard("Output");
  let target: FarTarget;
  let url: string;
  before(async () => {
    target = await startFarTarget();
    await deploy(target.lambda, "neighbour", { "index.mjs": await source("echo.mjs") });
    url = await publish(target.lambda, "neighbour");
  });
  after(async () => {
    await target[Symbol.asyncDispose]();
    scores.print();
  });

  /** A flood must neither hold up the neighbour nor stay in the platform's memory. */
  async function besides(work: () => Promise<void>, grownMiBMax = grownMiBMost): Promise<void> {
    const visitors = visit(url, { perSecond: 20, connectionsMax: 32 });
    await visitors.answers(3);
    const before = target.memoryMiB();
    await work();
    const grownMiB = target.memoryMiB() - before;
    await visitors.answers(3);
    assert.deepEqual((await visitors.stop()).errors, []);
    assert.ok(grownMiB < grownMiBMax, `the platform grew by ${grownMiB.toFixed(0)} MiB`);
  }
  const unlimited = { impossible: "without the bound the host's memory or disk is filled" };
  const stream = async (Handler: string): Promise<string> => {
    const settings = { Handler: `index.${Handler}`, Timeout: 2, MemorySize: 512 };
    await deploy(target.lambda, Handler, { "index.mjs": streams }, settings);
    const InvokeMode: InvokeMode = "RESPONSE_STREAM";
    const { host } = new URL(await publish(target.lambda, Handler, { InvokeMode }));
    return exchange(target.port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  };

  test("a stream's head without an end is a 502", async () => {
    await besides(async () => assert.match(await stream("head"), /^HTTP\/1\.1 502 /));
    const row = "27 giant responses";
    const attack = "a stream's head without an end";
    scores.add({ row, attack, runtime: "node", blocked: true, control: unlimited });
  });

  test("a stream that begins and never ends is cut at the timeout, visibly", async () => {
    await besides(async () => {
      const answer = await stream("begun");
      assert.match(answer, /^HTTP\/1\.1 200 /);
      assert.ok(answer.includes("begun"));
      assert.ok(!answer.endsWith("0\r\n\r\n"), "the end of chunks would say: this was all");
    });
    const row = "27 giant responses";
    const attack = "a response without an end";
    scores.add({ row, attack, runtime: "node", blocked: true, control: unlimited });
  });

  for (const [what, deed] of Object.entries(deeds))
    test(`the Runtime API and ${what}`, async (t) => {
      if (!existsSync(bash)) return t.skip(`no ${bash} for its bootstrap`);
      const name = what.replaceAll(" ", "-");
      const settings = { Runtime: "provided.al2023", Timeout: 2, MemorySize: 512 } as const;
      await deploy(target.lambda, name, { bootstrap: bootstrap(deed) }, settings);
      await besides(async () => {
        const { error, payload } = await invoke(target.lambda, name);
        assert.equal(error, "Unhandled");
        const { errorType = "" } = payload as { errorType?: string }; // a function error
        const expected =
          /^(?:Runtime\.ExitError|Function\.ResponseSizeTooLarge|Sandbox\.Timedout)$/;
        assert.match(errorType, expected);
      });
      const row = "27 giant responses";
      scores.add({ row, attack: what, runtime: "native", blocked: true, control: unlimited });
    });

  for (const runtime of ["python", "native"] as const)
    test(`floods of its log from ${runtime} are bounded and forge nothing`, async (t) => {
      const reason = await whyNoAttacker(target, runtime, "exhaustion");
      if (reason !== undefined) return t.skip(reason);
      const name = `flood-${runtime}`;
      await deployAttacker(target, name, { runtime, operations: "exhaustion" });
      const operation = "print_bytes";
      await besides(async () => {
        const attacks = Object.entries(floods).map(([id, given]) => ({ id, operation, given }));
        const outcomes = await attempt(target, name, attacks);
        for (const { id } of attacks) assert.equal(outcomes.get(id)?.code, "", id);
      }, 384);
      const reports = await matching(target, name, "REPORT");
      const own = reports.filter((message) => message.startsWith("REPORT RequestId: "));
      assert.ok(own.length <= 1 && !own.some((message) => message.includes(forged.slice(0, 40))));
      for (const attack of Object.keys(floods))
        scores.add({ row: "28 log flood", attack, runtime, blocked: true, control: unlimited });
    });
});

/** The function's log events that contain the word. */
async function matching(target: FarTarget, name: string, word: string): Promise<readonly string[]> {
  const client = new CloudWatchLogsClient(target.client);
  const messages: string[] = [];
  const query = { logGroupName: `/aws/lambda/${name}`, filterPattern: word };
  for await (const page of paginateFilterLogEvents({ client }, query))
    for (const event of page.events ?? []) messages.push(event.message ?? "");
  client.destroy();
  return messages;
}
