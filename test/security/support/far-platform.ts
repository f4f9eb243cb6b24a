import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { processesNaming } from "#functions/sandbox/testing/host.ts";
import type { Target, TargetSettings } from "./platform.ts";

/** A platform in a process of its own: it can be killed, and its memory is nobody else's. */
export interface FarTarget extends Target {
  /** Resident memory of the platform's process. */
  memoryMiB(): number;
  /** Signal 9, to the platform alone; resolves when it is gone. */
  kill(): Promise<void>;
  /** Its launcher and what else names its folder. */
  family(): readonly number[];
}

export async function startFarTarget(settings: TargetSettings = {}): Promise<FarTarget> {
  const program = fileURLToPath(new URL("far-program.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    ["--conditions=source", program, JSON.stringify(settings)],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { value } = (await lines.next()) as { value?: string }; // undefined at an early end
  if (value === undefined) throw new Error("the platform ended before it was ready");
  // Written by far-program.ts.
  const facts = JSON.parse(value) as Omit<Target, "lambda" | typeof Symbol.asyncDispose>;
  const lambda = new LambdaClient(facts.client);
  return {
    ...facts,
    lambda,
    memoryMiB: () => Number(/VmRSS:\s+(\d+)/.exec(statusOf(child.pid))?.[1]) / 1024,
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
    family: () => processesNaming(facts.dataDir),
    async [Symbol.asyncDispose]() {
      lambda.destroy();
      child.stdin.end();
      await gone;
    },
  };
}

function statusOf(pid: number | undefined): string {
  return readFileSync(`/proc/${pid}/status`, "utf8");
}
