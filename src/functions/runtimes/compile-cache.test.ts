import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isPlatformError } from "#base/errors.ts";
import { createBench, whyNot, writeTree } from "./testing/bench.ts";
import type { Bench } from "./testing/bench.ts";
import type { Assignment, CompiledFiles } from "./runtimes.ts";

type Files = Readonly<Record<string, string>>;

/** Enough for V8 to be asked whether its byte code was taken. */
const bundle = `${Array.from({ length: 400 }, (_, index) => `exports.f${index} = (a) => a + ${index};`).join("\n")}
  let sum = 0;
  for (const f of Object.values(exports)) sum += f(1);
  exports.handler = async () => ({ sum, directory: require("node:module").getCompileCacheDir() });`;

const skip = await whyNot("bubblewrap");

describe("compile caches", { skip }, () => {
  let bench: Bench;
  before(async () => {
    bench = await createBench("bubblewrap");
  });
  after(() => bench[Symbol.asyncDispose]());

  const assignmentFor = (trees: Assignment["trees"], more: Partial<Assignment>): Assignment => ({
    accountId: "000000000000",
    handler: "index.handler",
    memoryMiB: 256,
    timeoutMs: 30_000,
    environment: { LANG: "en_US.UTF-8" },
    trees,
    ...more,
  });

  async function unpacked(files: Files): Promise<string> {
    const folder = await mkdtemp(join(bench.directory, "code-"));
    await writeTree(join(folder, "task"), files);
    return join(folder, "task");
  }

  async function compile(
    task: string,
    how: Partial<Assignment> & { readonly runtime?: string } = {},
  ): Promise<CompiledFiles> {
    const { runtime: identifier = "nodejs24.x", ...more } = how;
    const runtime = bench.runtimes.get(identifier);
    assert.ok(runtime?.compiler);
    const memoryMiB = more.memoryMiB ?? 256;
    const spec = await runtime.sandboxSpec({ memoryMiB, scratchMiB: 64 });
    await using sandbox = await bench.driver.create(spec, AbortSignal.timeout(60_000));
    return await runtime.compiler.compile(sandbox, assignmentFor({ task }, more));
  }

  /** Starts a function with a cache and tells what its first call answers. */
  async function call(
    task: string,
    files: CompiledFiles,
    how: Partial<Assignment> & { readonly runtime?: string } = {},
  ): Promise<Record<string, unknown>> {
    const cache = await mkdtemp(join(bench.directory, "cache-"));
    for (const [path, content] of files) {
      await mkdir(join(cache, path, ".."), { recursive: true });
      await writeFile(join(cache, path), content);
    }
    const { runtime = "nodejs24.x", ...more } = how;
    await using started = await bench.start({
      runtime,
      files: {},
      memoryMiB: more.memoryMiB ?? 256,
      trees: { task, cache },
      environment: more.environment ?? {},
    });
    assert.equal(started.init.kind, "ok", started.output());
    const answer = (await started.call({})) as Record<string, unknown>; // the functions here give objects
    await rm(cache, { recursive: true });
    return { ...answer, output: started.output() };
  }

  for (const runtime of ["nodejs22.x", "nodejs24.x", "nodejs26.x"]) {
    for (const memoryMiB of [128, 512, 1_024]) {
      test(`${runtime} with ${memoryMiB} MiB takes its byte code from the cache it made`, async () => {
        const task = await unpacked({ "index.js": bundle });
        const files = await compile(task, { runtime, memoryMiB });
        assert.equal(files.size, 1);
        // Node tells of each file whether V8 took it; to hear of it, the guest has to start anew.
        const environment = { NODE_OPTIONS: "--no-warnings", NODE_DEBUG_NATIVE: "COMPILE_CACHE" };
        const seen = await call(task, files, { runtime, memoryMiB, environment });
        assert.match(String(seen["directory"]), /^\/var\/slot\/cache\//);
        assert.equal(seen["sum"], 400 + (399 * 400) / 2);
        assert.match(String(seen["output"]), /cache for .*index\.js was accepted/);
      });
    }
  }

  test("a variable that is read at the start changes nothing about that", async () => {
    const task = await unpacked({ "index.js": bundle });
    const environment = { NODE_OPTIONS: "--enable-source-maps" };
    const files = await compile(task, { environment });
    assert.equal(files.size, 1);
    const seen = await call(task, files, { environment });
    assert.match(String(seen["directory"]), /^\/var\/slot\/cache\//);
  });

  test("an init that fails, waits for ever or reaches out has compiled what it loaded", async () => {
    const endings = [
      `throw new Error("no table");`,
      `setTimeout(() => { throw new Error("later"); }, 1);`,
      `Promise.reject(new Error("unhandled"));`,
      `require("node:http").get({ port: 4566 }).on("error", () => {});`,
    ];
    for (const ending of endings) {
      const task = await unpacked({ "index.js": `${bundle}\n${ending}` });
      const files = await compile(task);
      assert.equal(files.size, 1, ending);
    }
    const endless = `import "./bundle.cjs"; await new Promise(() => setInterval(() => {}, 1_000));`;
    const task = await unpacked({ "index.mjs": endless, "bundle.cjs": bundle });
    assert.ok((await compile(task)).size >= 1);
  });

  test("code that ends its process, or blocks, or is none, makes no cache and no harm", async () => {
    for (const ending of ["process.exit(0);", "process.kill(process.pid, 'SIGKILL');"]) {
      const task = await unpacked({ "index.js": ending });
      await assert.rejects(compile(task), (error) => isPlatformError(error, "channel.broken"));
    }
    const none = await unpacked({ "other.txt": "" });
    assert.equal((await compile(none)).size, 0);
  });

  test("what is no compile cache is refused, whoever writes it", async () => {
    const frame = (path: string, bodyBytes: number): string => `
      const name = Buffer.from(${JSON.stringify(path)});
      const head = Buffer.alloc(21);
      head.writeUInt32LE(5 + name.length + ${bodyBytes}, 0);
      head[4] = 71;
      head.writeUInt32LE(5 + name.length, 12);
      head[16] = 55;
      head.writeUInt32LE(name.length, 17);
      const bytes = Buffer.concat([head, name, Buffer.alloc(${bodyBytes})]);`;
    const write = `for (let at = 0; at < bytes.length;) {
      try { at += require("node:fs").writeSync(4, bytes, at); } catch (error) { if (error.code !== "EAGAIN") throw error; }
    }`;
    const escaping = [
      "../../../../etc/passwd",
      "v24/../../x",
      "/etc/passwd",
      "v24",
      "v24/x/y",
      "v24/\0a",
    ];
    for (const path of escaping) {
      const task = await unpacked({ "index.js": `${frame(path, 3)}${write}` });
      await assert.rejects(
        compile(task),
        (error) => isPlatformError(error, "channel.broken"),
        path,
      );
    }
    const flood = `${frame("v24/abc", 6 * 1024 * 1024)} for (;;) { ${write} }`;
    const task = await unpacked({ "index.js": flood });
    await assert.rejects(compile(task), (error) => isPlatformError(error, "channel.broken"));
  });

  test("a cache of garbage, cut short or of other code is passed over", async () => {
    const task = await unpacked({ "index.js": bundle });
    const made = await compile(task);
    const change = (with_: (content: Buffer) => Buffer): CompiledFiles =>
      new Map([...made].map(([path, content]) => [path, with_(Buffer.from(content))]));
    const broken = [
      change(() => Buffer.alloc(0)),
      change((content) => content.subarray(0, content.length / 2)),
      change((content) => Buffer.alloc(content.length, 0xff)),
      change(
        (content) => (content.writeUInt8((content.at(-9) ?? 0) ^ 1, content.length - 9), content),
      ),
      new Map([["v1/abc", Buffer.from("nothing")]]),
      new Map<string, Uint8Array>(),
    ];
    for (const files of broken) {
      const seen = await call(task, files);
      assert.equal(seen["sum"], 400 + (399 * 400) / 2);
      assert.equal(seen["output"], "");
    }
    const other = await unpacked({ "index.js": bundle.replaceAll("a + ", "a - ") });
    assert.equal((await call(other, made))["sum"], 400 - (399 * 400) / 2);
  });
});
