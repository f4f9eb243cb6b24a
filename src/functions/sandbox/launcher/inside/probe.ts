/**
 * Runs inside a sandbox, as its boot program, for the self-test and the tests: boots by the protocol
 * every guest uses, then answers questions about what it can see and do, one JSON line each on the
 * channel. It trusts nobody and is trusted by nobody; what it says is judged outside.
 */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { createServer, Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** What this program answers to `facts`. */
export interface Facts {
  /** Texts of files below /proc/self. */
  readonly status: string;
  readonly uidMap: string;
  readonly mounts: string;
  readonly limits: string;
  readonly routes: string;
  readonly namespaces: Readonly<Record<string, string>>;
  /** Content or error code of files of process 1. */
  readonly initEnvironment: string;
  readonly initCommand: string;
  readonly interfaces: readonly string[];
  readonly root: readonly string[];
  readonly etc: readonly string[];
  readonly scratchBytes: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly processes: number;
}

const held: unknown[] = [];
const children: ChildProcess[] = [];

const operations: Readonly<Record<string, (argument: unknown) => unknown>> = {
  facts,
  files: (paths) => (paths as string[]).map((path) => attempt(() => readable(path))),
  writes: (paths) => (paths as string[]).map((path) => attempt(() => writable(path))),
  run: (command) => runProgram(command as string[]),
  allocate: (mebibytes) => allocate(mebibytes as number),
  processes: (count) => startProcesses(count as number),
  spin: (milliseconds) => spin(milliseconds as number),
  fill: (path) => fill(path as string),
  fetch: async (url) => (await fetch(url as string)).text(),
  exit: (code) => process.exit(code as number),
  variable: (name) => (name === "NODE" ? process.execPath : process.env[name as string]) ?? null,
  counter: () => ticks,
  orphan: () => startOrphan(),
};

let ticks = 0;
setInterval(() => (ticks += 1), 5);

function facts(): Facts {
  return {
    status: readFileSync("/proc/self/status", "utf8"),
    uidMap: readFileSync("/proc/self/uid_map", "utf8"),
    namespaces: Object.fromEntries(
      readdirSync("/proc/self/ns").map((name) => [name, readlinkSync(`/proc/self/ns/${name}`)]),
    ),
    initEnvironment: attempt(() => readFileSync("/proc/1/environ", "utf8")),
    initCommand: attempt(() => readFileSync("/proc/1/cmdline", "utf8")),
    mounts: readFileSync("/proc/self/mountinfo", "utf8"),
    interfaces: Object.keys(networkInterfaces()),
    routes: readFileSync("/proc/net/route", "utf8"),
    root: readdirSync("/").toSorted(),
    etc: readdirSync("/etc").toSorted(),
    scratchBytes: statfsSync("/tmp").blocks * statfsSync("/tmp").bsize,
    limits: readFileSync("/proc/self/limits", "utf8"),
    environment: Object.fromEntries(
      Object.entries(process.env).map(([name, value]) => [name, value ?? ""]),
    ),
    processes: readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length,
  };
}

function attempt(act: () => string): string {
  try {
    return act();
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

function readable(path: string): string {
  return `ok ${readFileSync(path).length}`;
}

function writable(path: string): string {
  closeSync(openSync(path, constants.O_WRONLY));
  return "ok";
}

function runProgram([program, ...rest]: string[]): unknown {
  const result = spawnSync(program ?? "", rest, { encoding: "utf8", timeout: 20_000 });
  const failure = result.error && "code" in result.error ? result.error.code : undefined;
  return { status: result.status, stdout: result.stdout, stderr: result.stderr, failure };
}

async function allocate(mebibytes: number): Promise<unknown> {
  for (let count = 0; count < mebibytes; count++) {
    held.push(Buffer.alloc(1024 * 1024, 1));
    if (count % 16 === 0) await sleep(1);
  }
  return mebibytes;
}

/** Starts sleeping processes until one is refused; answers how many there are. */
async function startProcesses(count: number): Promise<unknown> {
  for (let started = 0; started < count; started++) {
    const child = spawn("/bin/sleep", ["1000"], { stdio: "ignore", detached: true });
    const isRunning = await new Promise<boolean>((resolve) => {
      child.once("spawn", () => resolve(true));
      child.once("error", () => resolve(false));
    });
    if (!isRunning) return started;
    children.push(child);
  }
  return count;
}

/** CPU milliseconds used while `milliseconds` of wall time pass in a busy loop. */
function spin(milliseconds: number): unknown {
  const before = process.cpuUsage();
  const end = process.hrtime.bigint() + BigInt(milliseconds) * 1_000_000n;
  let turns = 0;
  while (process.hrtime.bigint() < end) turns += 1;
  const used = process.cpuUsage(before);
  return { cpuMs: (used.user + used.system) / 1000, turns };
}

function fill(path: string): unknown {
  const descriptor = openSync(path, "w");
  const block = Buffer.alloc(1024 * 1024);
  let bytes = 0;
  try {
    for (;;) bytes += writeSync(descriptor, block);
  } catch (error) {
    return { bytes, code: error instanceof Error && "code" in error ? error.code : String(error) };
  } finally {
    closeSync(descriptor);
  }
}

/** A process in a session of its own, its parent gone, deaf to signals, holding our output open. */
function startOrphan(): unknown {
  const script = "trap '' TERM HUP INT; (setsid sleep 1000 &) ; sleep 0.05";
  return spawnSync("/bin/sh", ["-c", script], { stdio: "inherit" }).status;
}

function listen(port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer();
  server.once("error", reject);
  const opened = process.env["SKERRY_MOUNTS"] === undefined ? port : 0;
  server.listen(opened, "127.0.0.1", () => {
    const address = server.address();
    const actual = typeof address === "object" && address ? address.port : port;
    process.send?.({ listener: port, port: actual }, server, {}, () => {
      server.close();
      resolve();
    });
  });
  return promise;
}

async function main(): Promise<void> {
  for (const port of process.argv.slice(2)) await listen(Number(port));
  process.send?.({ booted: true }, () => process.disconnect?.());
  const channel = new Socket({ fd: 4, readable: true, writable: true });
  channel.on("error", () => process.exit(0));
  for await (const line of createInterface({ input: channel })) {
    const { operation, argument } = JSON.parse(line) as { operation: string; argument: unknown };
    const act = operations[operation];
    let answer: unknown;
    try {
      answer = { value: act ? await act(argument) : undefined };
    } catch (error) {
      answer = { error: String(error) };
    }
    channel.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0);
}

await main();
