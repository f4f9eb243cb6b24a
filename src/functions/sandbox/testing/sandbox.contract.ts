import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isPlatformError } from "#base/errors.ts";
import { createProbe, probeSpec } from "../drivers/bubblewrap/probe-sandbox.ts";
import type { ProbeSandbox } from "../drivers/bubblewrap/probe-sandbox.ts";
import type { SandboxDriver, SandboxSpec } from "../sandbox.ts";

const never = new AbortController().signal;

/** What every driver promises, isolating or not. */
export function sandboxContract(
  name: string,
  createDriver: (workDir: string) => SandboxDriver,
  skip: string | false,
): void {
  describe(`${name} keeps the promises of a sandbox driver`, { skip, timeout: 120_000 }, () => {
    let driver: SandboxDriver;
    let workDir: string;
    let treeCount = 0;
    before(() => {
      workDir = mkdtempSync(join(tmpdir(), "skerry-contract-"));
      driver = createDriver(workDir);
    });
    after(async () => {
      await driver[Symbol.asyncDispose]();
      assert.deepEqual(readdirSync(workDir), ["trees"], "the driver leaves nothing of its own");
      rmSync(workDir, { recursive: true });
    });
    const open = (change: Partial<SandboxSpec> = {}): Promise<ProbeSandbox> =>
      createProbe(driver, probeSpec(change), never);
    const tree = (files: Readonly<Record<string, string>>): string => {
      const directory = join(workDir, "trees", String(treeCount++));
      mkdirSync(directory, { recursive: true });
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(directory, path, ".."), { recursive: true });
        writeFileSync(join(directory, path), text);
        chmodSync(join(directory, path), 0o644);
      }
      return directory;
    };

    test("probe says it is usable, in words", async () => {
      const { usable, reason } = await driver.probe();
      assert.equal(usable, true, reason);
      assert.notEqual(reason, "");
    });

    test("what is written to the channel is answered on it", async () => {
      await using probe = await open();
      assert.equal(typeof (await probe.ask("counter")), "number");
    });

    test("output streams carry what the boot program writes", async () => {
      const script = "process.send({booted:true});console.log('out');console.error('err')";
      const spec = probeSpec({ command: ["/var/lang/bin/node", "-e", script] });
      await using sandbox = await driver.create(spec, never);
      const [out, error] = await Promise.all([sandbox.stdout.toArray(), sandbox.stderr.toArray()]);
      assert.equal(Buffer.concat(out as Buffer[]).toString(), "out\n");
      assert.equal(Buffer.concat(error as Buffer[]).toString(), "err\n");
    });

    test("accepts outside what connects to a loopback port inside", async () => {
      await using probe = await open({ listeners: [9001, 9002] });
      const servers = [9001, 9002].map((port) => {
        const server = createServer((_, response) => response.end(`port ${port}`));
        const listener = probe.sandbox.listeners.get(port);
        assert.ok(listener);
        listener.on("connection", (socket) => server.emit("connection", socket));
        return { server, listener };
      });
      for (const [index, { listener }] of servers.entries()) {
        const address = listener.address();
        assert.ok(typeof address === "object" && address);
        const url = `http://127.0.0.1:${address.port}/`;
        assert.equal(await probe.ask("fetch", url), `port ${9001 + index}`);
      }
      for (const { server } of servers) server.close();
    });

    test("a linked tree appears under its name, whole, with links inside it kept", async () => {
      const source = tree({ "index.mjs": "export {}", "lib/deep/a.txt": "a" });
      symlinkSync("deep/a.txt", join(source, "lib/link"));
      await using probe = await open();
      await probe.sandbox.link("task", source);
      const show = "console.log(require('fs').readFileSync(process.argv[1],'utf8'))";
      const slot = (await probe.ask<string | null>("variable", "SKERRY_SLOT")) ?? "/var/slot";
      for (const [path, text] of [
        ["index.mjs", "export {}"],
        ["lib/link", "a"],
      ] as const) {
        const shown = await probe.ask<{ stdout: string }>("run", [
          await probe.ask<string>("variable", "NODE"),
          "-e",
          show,
          `${slot}/task/${path}`,
        ]);
        assert.equal(shown.stdout, `${text}\n`);
      }
      await assert.rejects(probe.sandbox.link("task", source), "a name is used once");
    });

    test("names that leave the slot and sources that do not exist are refused", async () => {
      await using probe = await open();
      const source = tree({ a: "a" });
      for (const name of ["../up", "a/b", ".hidden", ""]) {
        await assert.rejects(probe.sandbox.link(name, source), (error) => isPlatformError(error));
      }
      await assert.rejects(probe.sandbox.link("task", join(source, "absent")));
      await probe.sandbox.link("task", source);
    });

    test("a program that ends by itself is reported with its code", async () => {
      await using probe = await open();
      await probe.ask("exit", 3).catch(() => undefined);
      assert.deepEqual(await probe.sandbox.exited, { code: 3, signal: undefined, cause: "exit" });
    });

    test("disposing kills, waits, and may be repeated", async () => {
      const probe = await open();
      await probe.sandbox[Symbol.asyncDispose]();
      await probe.sandbox[Symbol.asyncDispose]();
      const exit = await probe.sandbox.exited;
      assert.equal(exit.cause, "killed");
      assert.equal(exit.signal, "SIGKILL");
    });

    test("a boot program that fails is an error that repeats what it said", async () => {
      const script = "console.error('no such thing'); process.exit(4)";
      const spec = probeSpec({ command: ["/var/lang/bin/node", "-e", script] });
      await assert.rejects(driver.create(spec, never), (error) => {
        assert.ok(isPlatformError(error, "sandbox.start-failed"));
        assert.match(error.message, /ended with 4/);
        assert.match(error.message, /no such thing/);
        return true;
      });
    });

    test("a program that is missing is an error", async () => {
      const spec = probeSpec({ command: ["/var/lang/bin/absent"] });
      await assert.rejects(driver.create(spec, never), (error) =>
        isPlatformError(error, "sandbox.start-failed"),
      );
    });

    test("a boot that hands out fewer listeners than asked for is an error", async () => {
      const spec = { ...probeSpec(), listeners: [9001] };
      await assert.rejects(driver.create(spec, never), /no listener for port 9001/);
    });

    test("aborting rejects with the signal's reason and ends what was begun", async () => {
      const aborted = AbortSignal.abort(new Error("not wanted"));
      await assert.rejects(driver.create(probeSpec(), aborted), /not wanted/);
      const controller = new AbortController();
      const hanging = probeSpec({
        command: ["/var/lang/bin/node", "-e", "setInterval(()=>{},1e3)"],
      });
      const created = driver.create(hanging, controller.signal);
      setImmediate(() => controller.abort(new Error("changed my mind")));
      await assert.rejects(created, /changed my mind/);
    });
  });
}
