import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { deploy } from "../support/functions.ts";
import { begin, type Server, skerry, up } from "./program.ts";

const folder = await mkdtemp(join(tmpdir(), "skerry-cli-"));
let server: Server;
before(async () => {
  server = await up();
  await deployEcho();
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function deployEcho(): Promise<void> {
  const code = `export const handler = async (event) => {
    console.log("saw", event.word ?? "nothing");
    if (event.fail) throw new TypeError("no good");
    return event;
  };`;
  await deploy(server.lambda, "echo", { "index.mjs": code });
}

test("invoke prints the answer on stdout and the log on stderr", async () => {
  const { code, out, err } = await server.run("invoke", "echo", '{"word":"argument"}');
  assert.deepEqual([code, out], [0, '{"word":"argument"}\n']);
  assert.match(err, /^START RequestId: .*\n.*\tINFO\tsaw argument\n/);
  assert.match(err, /REPORT RequestId/);
  const quiet = await server.run("invoke", "-q", "echo");
  assert.deepEqual(quiet, { code: 0, out: "{}\n", err: "" });
});

test("invoke takes its payload from a file or from standard input", async () => {
  const file = join(folder, "event.json");
  await writeFile(file, '{"word":"file"}');
  assert.equal((await server.run("invoke", "-q", "echo", `@${file}`)).out, '{"word":"file"}\n');
  const piped = await skerry(["invoke", "-q", "echo", "-", "--endpoint", server.url], {
    input: '{"word":"pipe"}',
  });
  assert.equal(piped.out, '{"word":"pipe"}\n');
  const absent = await server.run("invoke", "echo", "@absent.json");
  assert.equal(absent.code, 1);
  assert.match(absent.err, /^skerry: cannot read the payload: .*absent\.json'\n$/);
});

test("a function's own error is its answer, and exit code 1", async () => {
  const { code, out } = await server.run("invoke", "-q", "echo", '{"fail":true}');
  assert.equal(code, 1);
  const { errorType, errorMessage } = JSON.parse(out) as Record<string, unknown>;
  assert.deepEqual([errorType, errorMessage], ["TypeError", "no good"]);
});

test("--async hands the event over; --json answers as one object", async () => {
  const handed = await server.run("invoke", "--async", "echo", '{"word":"handed"}');
  assert.deepEqual(handed, { code: 0, out: "accepted\n", err: "" });
  const { out } = await server.run("invoke", "--json", "echo", '{"word":"now"}');
  const answer = JSON.parse(out) as Record<string, string>;
  assert.equal(answer["payload"], '{"word":"now"}');
  assert.match(answer["log"] ?? "", /saw now/);
});

test("a function that is not there and an event that is no JSON are each one sentence", async () => {
  const absent = await server.run("invoke", "absent");
  assert.equal(absent.code, 1);
  assert.match(
    absent.err,
    /^skerry: ResourceNotFoundException: Function not found: arn:.*:absent\n$/,
  );
  const broken = await server.run("invoke", "echo", "{no");
  assert.equal(broken.code, 1);
  assert.match(broken.err, /^skerry: InvalidRequestContentException: Could not parse.*\n$/);
});

test("logs -f prints a line as it is written; --filter chooses; --json gives objects", async () => {
  await using following = begin(["logs", "-f", "echo", `--endpoint=${server.url}`]);
  await server.run("invoke", "echo", '{"word":"early"}');
  await following.stdout.until(/saw early\n/);
  await server.run("invoke", "echo", '{"word":"late"}');
  await following.stdout.until(/saw late\n/);
  following.child.kill("SIGINT");
  assert.equal(await following.exited, 0);
  assert.equal(following.stdout.text.match(/saw late\n/g)?.length, 1);

  const all = await server.run("logs", "echo");
  assert.match(all.out, /^\S+Z START RequestId/m);
  const some = await server.run("logs", "echo", "--filter", "late");
  assert.match(some.out, /^\S+Z .*\tINFO\tsaw late\n$/);
  const { out } = await server.run("logs", "/aws/lambda/echo", "--filter=late", "--json");
  assert.match((JSON.parse(out) as { stream: string }).stream, /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\]/);
});

test("logs of nothing say so; with -f they wait for it", async () => {
  const absent = await server.run("logs", "silent");
  assert.deepEqual(absent, {
    code: 1,
    out: "",
    err: "skerry: there is no log /aws/lambda/silent: no such function, or it was never called\n",
  });
  await using waiting = begin(["logs", "-f", "silent", `--endpoint=${server.url}`]);
  await waiting.stderr.until(/waiting for it/);
  await deploy(server.lambda, "silent", {
    "index.mjs": "export const handler = async () => console.log('at last');",
  });
  await server.run("invoke", "silent");
  await waiting.stdout.until(/at last/);
});

test("a reader that has seen enough ends the command without a word", async () => {
  const script = `"$0" "$@" | head -n 1`;
  const program = ["sh", "-c", script, process.execPath, "bin/skerry.js"];
  const { code, out, err } = await skerry(["logs", "echo", "--endpoint", server.url], {
    program,
    workingDirectory: new URL("../..", import.meta.url).pathname,
  });
  assert.deepEqual([code, err], [0, ""]);
  assert.equal(out.match(/\n/g)?.length, 1);
});

test("trace lists the latest requests and draws one with the phases of its cold start", async () => {
  await deploy(server.lambda, "traced", {
    "index.mjs": "export const handler = async () => 1;",
  });
  await server.run("invoke", "traced");
  const listed = await server.run("trace");
  assert.match(listed.out, /^1-[0-9a-f]{8}-[0-9a-f]{24} +\S+Z +[\d.]+ ms +\d+ spans +aws\./m);
  const traces = JSON.parse((await server.run("trace", "--json")).out) as {
    traceId: string;
    rootName: string;
  }[];
  const traceId = traces.find((entry) => entry.rootName === "aws.lambda.Invoke")?.traceId ?? "";
  const { code, out } = await server.run("trace", traceId);
  assert.equal(code, 0);
  assert.match(out, /^aws\.lambda\.Invoke +\+0\.0 .* ms {2}━+/);
  for (const phase of ["invocation", "cold-start", "init", "handler"]) {
    assert.match(out, new RegExp(`^[ │├└]+${phase} +\\+`, "m"));
  }
  const header = await server.run("trace", `Root=${traceId};Sampled=1`, "--json");
  assert.ok((JSON.parse(header.out) as unknown[]).length > 3);
  const unknown = await server.run("trace", "1-00000000-000000000000000000000000");
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /^skerry: no trace 1-0/);
});

test("functions NAME --starts says why each start was needed and where its time went", async () => {
  await server.run("invoke", "-q", "echo", "{}");
  const { code, out } = await server.run("functions", "echo", "--starts");
  assert.equal(code, 0);
  const [heads = "", ...lines] = out.trimEnd().split("\n");
  assert.match(heads, /^STARTED +VERSION +REASON +SOURCE +TOTAL +OUTCOME +PHASES \(ms\)$/);
  const oldest = lines.at(-1) ?? "";
  assert.match(oldest, /^\d{4}-\d\d-\d\dT[\d:.]+Z +\$LATEST +first-call +(generic|dedicated) /);
  assert.match(oldest, /\d\.\d ms +ok +sandbox [\d.]+, .*init [\d.]+, init\./);
  const json = await server.run("functions", "echo", "--starts", "--json");
  const starts = JSON.parse(json.out) as Record<string, unknown>[];
  assert.equal(starts.length, lines.length);
  assert.equal(starts.at(-1)?.["reason"], "first-call");
  assert.match((await server.run("functions", "none", "--starts")).err, /no function none/);
  assert.match((await server.run("functions", "--starts")).err, /of which function\?/);
});

test("functions shows what is deployed and warm; reset empties it and leaves it usable", async () => {
  await server.run("invoke", "echo");
  const { out } = await server.run("functions");
  assert.match(out, /^NAME +RUNTIME +MEMORYMIB +TIMEOUTSECONDS +STATE +WARM +BUSY\n/);
  assert.match(out, /^echo +nodejs24\.x +256 +10 +Active +1 +0$/m);

  const unsure = await server.run("reset");
  assert.equal(unsure.code, 2);
  const reset = await server.run("reset", "--yes");
  assert.deepEqual(reset, { code: 0, out: "everything is deleted\n", err: "" });
  assert.equal((await server.run("functions")).out, "no functions\n");
  assert.equal((await server.run("logs", "echo")).code, 1);
  assert.equal((await server.run("invoke", "echo")).code, 1);

  await deployEcho();
  assert.equal((await server.run("invoke", "-q", "echo", "7")).out, "7\n");
  assert.match((await server.run("logs", "echo")).out, /START RequestId/);
});

test("the endpoint comes from SKERRY_ENDPOINT, or from the port in the settings", async () => {
  for (const environment of [
    { SKERRY_ENDPOINT: server.url },
    { SKERRY_PORT: String(server.port) },
  ]) {
    assert.equal((await skerry(["functions"], { environment })).code, 0);
  }
});

test("completion scripts are ones their shells accept", async (t) => {
  const { out } = await skerry(["completions", "bash"]);
  const checked = await skerry([], { program: ["bash", "-n"], input: out });
  assert.deepEqual([checked.code, checked.err], [0, ""]);
  const script = `${out}\nCOMP_WORDS=(skerry inv) COMP_CWORD=1; _skerry; echo "\${COMPREPLY[*]}"`;
  const completed = await skerry([], { program: ["bash", "-s"], input: script });
  assert.equal(completed.out, "invoke\n");
  for (const shell of ["zsh", "fish"]) {
    const { code } = await skerry([], { program: ["sh", "-c", `command -v ${shell}`] });
    if (code !== 0) {
      t.diagnostic(`${shell} is not installed here: its script is not checked`);
      continue;
    }
    const input = (await skerry(["completions", shell])).out;
    assert.equal((await skerry([], { program: [shell, "-n"], input })).code, 0);
  }
});
