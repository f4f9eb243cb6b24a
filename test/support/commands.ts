import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A program of the test environment (`.venv/bin`) or of the machine; undefined when there is none. */
export function find(program: string): string | undefined {
  const own = `${root}.venv/bin/${program}`;
  if (existsSync(own)) return own;
  const found = spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/** Runs to the end; resolves with what it printed, rejects with its stderr when it fails. */
export async function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, {
    env: { ...process.env, ...environment },
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  });
  return stdout;
}

export interface RunningCommand extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Resolves with the first line (of those not yet looked at) that matches; rejects when output ends. */
  line(pattern: RegExp): Promise<string>;
}

/** Starts a program whose lines are looked at as they come; disposing kills it and waits. */
export function follow(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): RunningCommand {
  const child = spawn(program, args, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => void (errors += chunk));
  const exited = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async line(pattern) {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`${program} ended without a line like ${pattern}: ${errors}`);
        if (pattern.test(value)) return value;
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
