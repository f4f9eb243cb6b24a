import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A peer that answers. */
export interface RunningPeer extends AsyncDisposable {
  readonly url: string;
  readonly host?: string;
  readonly pid: number;
}

export interface Program {
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Node as the platform runs it comes first for programs that look for one. */
const path = `${process.execPath.replace(/\/[^/]*$/, "")}:${process.env["PATH"] ?? ""}`;

const readyMsMax = 120_000;
const pollMs = 50;

/** Started in a process group of its own, so that all of it can be ended. */
export function launch({ command, cwd, env }: Program): ChildProcess {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd,
    detached: true,
    stdio: "ignore",
    env: { ...process.env, PATH: path, ...env },
  });
  process.once("exit", () => kill(child)); // none outlives a measurement that was broken off
  return child;
}

/** Resolves when `url` answers with any status below 500, fails when the program ends or takes too long. */
export async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const deadlineMs = performance.now() + readyMsMax;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`ended with code ${child.exitCode}`);
    const answer = await fetch(url).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer !== undefined && answer.status < 500) return;
    await sleep(pollMs);
  }
  throw new Error(`did not answer within ${readyMsMax / 1_000} s`);
}

/** Ends the program and all it started. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  kill(child);
  await exited;
}

function kill({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
}

/** A port that was free a moment ago, for programs that do not say which one they got. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number }; // a TCP server that listens has one
  server.close();
  await once(server, "close");
  return port;
}
