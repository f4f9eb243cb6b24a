import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { deploy, source } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import {
  attempt,
  deployAttacker,
  outcomesOf,
  runtimes,
  whyNoAttacker,
} from "./support/attackers.ts";
import type { Answer, AttackerRuntime, Attempt, Outcome } from "./support/attackers.ts";
import { startTarget, whyNoSandboxes } from "./support/platform.ts";
import type { Target } from "./support/platform.ts";
import { createScoreboard } from "./support/scoreboard.ts";

const api = "/2018-06-01/runtime";
const forgedId = "11111111-2222-4333-8444-555555555555";

/** Rows 7 and 8: the two protocols a sandbox can speak. */
describe(
  "what a sandbox says to the platform",
  { skip: whyNoSandboxes ?? false, timeout: 240_000 },
  () => {
    const board = createScoreboard("Attacks on protocols (rows 7-8)");
    let target: Target;
    before(async () => {
      target = await startTarget();
      await deploy(target.lambda, "neighbour", { "index.mjs": await source("echo.mjs") });
    });
    after(async () => {
      board.print();
      await target[Symbol.asyncDispose]();
    });

    const neighbourAnswers = async (): Promise<void> => {
      const { error } = await invoke(target.lambda, "neighbour", { still: "here" });
      assert.equal(error, undefined);
    };
    const known = new Map<AttackerRuntime, Promise<string | undefined>>();
    const deployed = (runtime: AttackerRuntime): Promise<string | undefined> => {
      const found = known.get(runtime) ?? deployOnce(target, runtime);
      known.set(runtime, found);
      return found;
    };

    test("no invocation but the running one can be answered, and that only once", async (t) => {
      const reason = await deployed("native");
      if (reason !== undefined) return t.skip(reason);
      const first = await attempt(target, "native", [idOf()]);
      const variables = first.get("id")?.value as Record<string, string> | undefined; // its environment
      const earlierId = variables?.["REQUEST_ID"];
      const others = await invoke(target.lambda, "neighbour");
      const neighbourId = /RequestId: ([0-9a-f-]{36})/.exec(others.log)?.[1];
      assert.ok(earlierId !== undefined);
      assert.ok(neighbourId !== undefined, others.log);
      const forgeries: readonly (readonly [what: string, line: string, expected: RegExp])[] = [
        [
          "an answer to a made-up invocation",
          `POST ${api}/invocation/${forgedId}/response`,
          / 400 /,
        ],
        ["an error for a made-up invocation", `POST ${api}/invocation/${forgedId}/error`, / 400 /],
        [
          "an answer to its own earlier invocation",
          `POST ${api}/invocation/${earlierId}/response`,
          / 400 /,
        ],
        [
          "an error for its own earlier invocation",
          `POST ${api}/invocation/${earlierId}/error`,
          / 400 /,
        ],
        [
          "an answer to a neighbour's invocation",
          `POST ${api}/invocation/${neighbourId}/response`,
          / 400 /,
        ],
        [
          "an error for a neighbour's invocation",
          `POST ${api}/invocation/${neighbourId}/error`,
          / 400 /,
        ],
        ["another event in the middle of one", `GET ${api}/invocation/next`, / 403 /],
        ["a failure to start long after the start", `POST ${api}/init/error`, / 403 /],
        ["an answer to no invocation", `POST ${api}/invocation//response`, / 404 /],
        ["an answer to a path", `POST ${api}/invocation/../../x/response`, / 40[04] /],
        [
          "an answer to an encoded path",
          `POST ${api}/invocation/%2e%2e%2fnext/response`,
          / 40[04] /,
        ],
        ["an answer to a broken encoding", `POST ${api}/invocation/%zz/response`, / 40[04] |^$/],
        [
          "an answer of another version",
          `POST /2099-01-01/runtime/invocation/$REQUEST_ID/response`,
          / 404 /,
        ],
        ["an answer by another method", `PUT ${api}/invocation/$REQUEST_ID/response`, / 40[45] /],
        ["new code", "POST /init", / 404 /],
        ["a run of other code", "POST /run", / 404 /],
      ];
      const attacks = forgeries.map(([id, line]) => asked(id, 0, line));
      // The control comes last: the right id is taken, and taken once.
      const own = `POST ${api}/invocation/$REQUEST_ID/response`;
      const control = [asked("own", 0, own), asked("twice", 0, own)];
      const outcomes = await attemptAside(target, [...attacks, ...control]);
      for (const [id, , expected] of forgeries) {
        const outcome = outcomes.get(id);
        assert.match(told(outcome), expected, id);
        board.add({
          row: "7 answers",
          attack: id,
          runtime: "native",
          blocked: true,
          control: "succeeded",
        });
      }
      assert.match(told(outcomes.get("own")), / 202 /);
      assert.match(told(outcomes.get("twice")), / 400 /);
      board.add({
        row: "7 answers",
        attack: "twice",
        runtime: "native",
        blocked: true,
        control: "succeeded",
      });
      await neighbourAnswers();
      assert.equal((await attempt(target, "native", [idOf()])).get("id")?.code, "");
    });

    for (const runtime of ["node", "python"] as const)
      test(`what a ${runtime} function babbles on its descriptors reaches nobody else`, async (t) => {
        const reason = await deployed(runtime);
        if (reason !== undefined) return t.skip(reason);
        for (const text of [
          "\0\0\0\0",
          "\xff".repeat(64),
          '{"type":"answer"}\n',
          "x".repeat(70_000),
        ]) {
          // Its own invocation may fail by it; that is its own affair.
          await attempt(target, runtime, [{ id: "b", operation: "babble", given: { text } }]).catch(
            () => undefined,
          );
          await neighbourAnswers();
          const answer = await attempt(target, runtime, [idOf()]);
          assert.equal(answer.get("id")?.code, "");
          const attack = `${JSON.stringify(text.slice(0, 8))} on every descriptor`;
          const control = {
            impossible: "the channel is the function's own: there is no defence to leave out",
          };
          board.add({ row: "7 answers", attack, runtime, blocked: true, control });
        }
      });

    for (const runtime of runtimes)
      test(`no service answers a ${runtime} function that does not sign`, async (t) => {
        const reason = await deployed(runtime);
        if (reason !== undefined) return t.skip(reason);
        const requests = await unsignedRequests(target.endpoint);
        const attacks = requests.map(({ id, text }): Attempt => ({
          id,
          operation: "exchange",
          given: { port: Number(new URL(target.endpoint).port), text },
        }));
        const outcomes = await attempt(target, runtime, attacks);
        for (const { id } of requests) {
          const refusal = /^HTTP\/1\.1 (?:401|403|404) |MissingAuthenticationToken/;
          assert.match(told(outcomes.get(id)), refusal, id);
          // From outside, a development server takes the same bytes: what refuses is the sandbox's door.
          const control = id.startsWith("/")
            ? { impossible: "pages of the operator's own" }
            : "succeeded";
          board.add({ row: "8 unsigned calls", attack: id, runtime, blocked: true, control });
        }
      });

    test("the same unsigned calls are taken where a development server expects them", async () => {
      for (const { id, path, init } of await unsignedRequests(target.endpoint)) {
        if (id.startsWith("/")) continue;
        const { status } = await fetch(`${target.endpoint}${path}`, init);
        assert.ok(status !== 401 && status !== 403, `${id}: ${status}`);
      }
    });
  },
);

async function deployOnce(target: Target, runtime: AttackerRuntime): Promise<string | undefined> {
  const reason = await whyNoAttacker(target, runtime, "isolation");
  if (reason !== undefined) return reason;
  await deployAttacker(target, runtime, { runtime, operations: "isolation" });
  return undefined;
}

function idOf(): Attempt {
  return { id: "id", operation: "environment" };
}

function asked(id: string, port: number, line: string): Attempt {
  const text = `${line} HTTP/1.1\r\nHost: runtime\r\nContent-Length: 8\r\nConnection: close\r\n\r\n"forged"`;
  return { id, operation: "exchange", given: { port, text } };
}

function told(outcome: Outcome | undefined): string {
  assert.ok(outcome);
  return outcome.code === "" ? String(outcome.value) : outcome.code;
}

/** The answer to the invocation is the forged one; how it all went is read by the next. */
async function attemptAside(
  target: Target,
  attacks: readonly Attempt[],
): Promise<ReadonlyMap<string, Outcome>> {
  const { error, payload } = await invoke(target.lambda, "native", { attacks, isAside: true });
  assert.equal(error, undefined);
  assert.equal(payload, "forged");
  const given = { path: "/tmp/aside", whole: true };
  const aside = await attempt(target, "native", [{ id: "aside", operation: "read", given }]);
  const answers = JSON.parse(String(aside.get("aside")?.value)) as Record<string, Answer>; // serve.go
  return outcomesOf(attacks, answers);
}

interface Unsigned {
  readonly id: string;
  readonly text: string;
  readonly path: string;
  readonly init: RequestInit;
}

/** Every operation of the services that have one address, Lambda's by path, and the operator's pages. */
async function unsignedRequests(endpoint: string): Promise<readonly Unsigned[]> {
  const response = await fetch(`${endpoint}/_skerry/services`);
  const { services } = (await response.json()) as {
    services: { name: string; operations: string[] }[];
  }; // the platform's own route
  const targets: Readonly<Record<string, string>> = {
    "cloudwatch-logs": "Logs_20140328",
    dynamodb: "DynamoDB_20120810",
    "dynamodb-streams": "DynamoDBStreams_20120810",
    eventbridge: "AWSEvents",
    sqs: "AmazonSQS",
  };
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const versions: Readonly<Record<string, string>> = {
    iam: "2010-05-08",
    sns: "2010-03-31",
    sts: "2011-06-15",
  };
  const calls = services.flatMap(({ name, operations }) =>
    operations.map((operation): Unsigned | undefined => {
      const id = `${name}:${operation}`;
      const prefix = targets[name];
      if (prefix !== undefined) {
        const version = name === "eventbridge" || name === "cloudwatch-logs" ? "1.1" : "1.0";
        const headers = {
          "content-type": `application/x-amz-json-${version}`,
          "x-amz-target": `${prefix}.${operation}`,
        };
        return request(id, { path: "/", headers, body: "{}" });
      }
      const version = versions[name];
      if (version === undefined) return undefined;
      return request(id, {
        path: "/",
        headers: form,
        body: `Action=${operation}&Version=${version}`,
      });
    }),
  );
  const functions = "/2015-03-31/functions";
  const lambda = [
    functions,
    `${functions}/neighbour`,
    `${functions}/neighbour/configuration`,
    `${functions}/neighbour/aliases`,
    `${functions}/neighbour/versions`,
    `${functions}/neighbour/policy`,
    "/2018-10-31/layers",
    "/2016-08-19/account-settings",
    "/schedules",
    "/schedule-groups/default",
  ].map((path) => request(`GET ${path}`, { path }));
  const invocation = request("lambda:Invoke", {
    path: `${functions}/neighbour/invocations`,
    body: "{}",
  });
  const pages = [
    "/_skerry/functions",
    "/_skerry/services",
    "/_skerry/reset",
    "/_skerry/traces",
  ].map((path) => request(path, { path }));
  return [...calls.filter((call) => call !== undefined), ...lambda, invocation, ...pages];
}

function request(
  id: string,
  {
    path,
    headers = {},
    body,
  }: { readonly path: string; readonly headers?: Record<string, string>; readonly body?: string },
): Unsigned {
  const method = body === undefined ? "GET" : "POST";
  const lines = Object.entries({ host: "localhost", connection: "close", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const length = body === undefined ? "" : `content-length: ${body.length}\r\n`;
  const text = `${method} ${path} HTTP/1.1\r\n${lines.join("")}${length}\r\n${body ?? ""}`;
  return { id, text, path, init: { method, headers, ...(body !== undefined && { body }) } };
}
