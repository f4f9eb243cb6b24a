import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { find, root } from "../support/commands.ts";

/** The program as people start it: `bin/skerry.js` under whatever Node there is. */
const words = [find("node") ?? process.execPath, join(root, "bin/skerry.js")] as const;

export interface Skerry extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly stdout: Text;
  readonly stderr: Text;
  /** Resolves with the exit code, or the signal it died of. */
  readonly exited: Promise<number | string>;
}

/** What a stream has said so far. */
export interface Text {
  readonly text: string;
  /** Resolves with the match as soon as it is there; rejects when the stream ends without it. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly input?: string;
  /** Program and first arguments instead of `node bin/skerry.js`. */
  readonly program?: readonly string[];
}

/** Starts a command; disposing ends it politely and waits. */
export function begin(args: readonly string[], options: RunOptions = {}): Skerry {
  const [program = "", ...first] = options.program ?? words;
  const child = spawn(program, [...first, ...args], {
    cwd: options.workingDirectory ?? tmpdir(),
    env: { ...plainEnvironment(), ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => undefined).end(options.input ?? "");
  const exited = once(child, "close").then(
    ([code, signal]) => (code ?? signal) as number | string, // as Node documents `close`
  );
  return {
    child,
    stdout: listenTo(child.stdout),
    stderr: listenTo(child.stderr),
    exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** Runs a command to its end. */
export async function skerry(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly code: number | string; readonly out: string; readonly err: string }> {
  const running = begin(args, options);
  const code = await running.exited;
  return { code, out: running.stdout.text, err: running.stderr.text };
}

/** `skerry up` on a free port, its data in a folder of its own. */
export interface Server extends Skerry {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly lambda: LambdaClient;
  /** Runs a client command against it. */
  run(...args: string[]): ReturnType<typeof skerry>;
}

export async function up(args: readonly string[] = [], options: RunOptions = {}): Promise<Server> {
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-cli-"));
  const running = begin(["up", "--json", "--port=0", `--data=${dataDir}`, ...args], options);
  const [banner] = await running.stdout.until(/^\{.*\}$/m);
  const { url, port } = JSON.parse(banner) as { url: string; port: number }; // our own banner
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return {
    ...running,
    url,
    port,
    dataDir,
    lambda: new LambdaClient({ endpoint: url, region: "us-east-1", maxAttempts: 1, credentials }),
    run: (...words) => skerry([...words, `--endpoint=${url}`]),
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** All processes below this one, however they detached themselves since: parents by number. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const parent = /\) \S (\d+)/.exec(read(`/proc/${name}/stat`))?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const below = (root_: number): number[] =>
    [...parents]
      .filter(([, parent]) => parent === root_)
      .flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

/** Not when it has ended and only waits for its parent to look. */
export function isRunning(pid: number): boolean {
  return /\) [^ZX] /.test(read(`/proc/${pid}/stat`));
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended meanwhile
  }
}

/** Nobody's settings of Skerry or of AWS. */
function plainEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SKERRY|AWS|NODE)_/.test(name)),
  );
}

function listenTo(stream: Readable): Text {
  let text = "";
  let hasEnded = false;
  const looks = new Set<() => void>();
  const look = (): void => looks.forEach((each) => each());
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    look();
  });
  stream.on("close", () => {
    hasEnded = true;
    look();
  });
  return {
    get text() {
      return text;
    },
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const once_ = (): void => {
          const match = pattern.exec(text);
          if (!match && !hasEnded) return;
          looks.delete(once_);
          if (match) resolve(match);
          else reject(new Error(`ended without ${pattern}: ${text}`));
        };
        looks.add(once_);
        once_();
      }),
  };
}
