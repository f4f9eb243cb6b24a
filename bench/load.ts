import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const pinnedNode = process.execPath;

/** Requests per second that `wrk` got out of an address in `seconds`, with `connections` kept busy. */
export async function throughput(
  url: string,
  options: {
    readonly connections: number;
    readonly seconds: number;
    readonly host?: string;
    /** A file in Lua that makes the requests. */
    readonly script?: string;
  },
): Promise<number> {
  const header = options.host === undefined ? [] : ["-H", `Host: ${options.host}`];
  const { stdout } = await promisify(execFile)("wrk", [
    "-t",
    "1",
    "-c",
    String(options.connections),
    "-d",
    `${options.seconds}s`,
    ...(options.script === undefined ? [] : ["-s", options.script]),
    ...header,
    url,
  ]);
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1];
  if (failed !== undefined) throw new Error(`${failed} answers of ${url} were not successes`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
}

/**
 * A bare `node:http` server in a process of its own: it answers 256 bytes, or, as a `reader`, reads the request's
 * body and answers some JSON.
 */
export async function startBareServer(
  kind: "server" | "reader" = "server",
): Promise<AsyncDisposable & { readonly url: string; readonly pid: number }> {
  const script = fileURLToPath(new URL(`./bare-${kind}.mjs`, import.meta.url));
  const child = spawn(pinnedNode, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer]; // its first output is its port
  return {
    url: `http://127.0.0.1:${String(line).trim()}/`,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill();
      await exited;
    },
  };
}

/** Wall milliseconds from starting a program to its exit. */
export async function wallMs(program: string, args: readonly string[]): Promise<number> {
  const startMs = performance.now();
  const child = spawn(program, args, { stdio: "ignore" });
  await once(child, "exit");
  return performance.now() - startMs;
}

/** Proportional set size of a process and all its descendants, MiB. */
export async function memoryMiB(pid: number): Promise<number> {
  let kib = 0;
  for (const one of [pid, ...(await descendants(pid))]) {
    const rollup = await readFile(`/proc/${one}/smaps_rollup`, "utf8").catch(() => "");
    kib += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
  }
  return kib / 1024;
}

/** Process ids below a process, parents first; only those of this name if one is given. */
export async function descendants(pid: number, name?: string): Promise<readonly number[]> {
  const found: { readonly pid: number; readonly parent: number; readonly name: string }[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    // "pid (name) state parent …", proc(5)
    const stat = await readFile(`/proc/${entry}/stat`, "utf8").catch(() => "");
    const end = stat.lastIndexOf(")");
    const parent = Number(stat.slice(end + 2).split(" ")[1]);
    found.push({ pid: Number(entry), parent, name: stat.slice(stat.indexOf("(") + 1, end) });
  }
  const family = [{ pid, name: "" }];
  for (const member of family) {
    family.push(...found.filter((each) => each.parent === member.pid));
  }
  return family
    .slice(1)
    .filter((each) => name === undefined || each.name === name)
    .map((each) => each.pid);
}
