import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { InvokeCommand, LambdaClient, TooManyRequestsException } from "@aws-sdk/client-lambda";

import { descendants } from "../cli/program.ts";

/** Whichever worker the kernel gives the next connection to is asked: none is kept open. */
export function client(endpoint: string): LambdaClient {
  return new LambdaClient({
    endpoint,
    region: "us-east-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    requestHandler: { httpAgent: new Agent({ keepAlive: false, maxSockets: Infinity }) },
  });
}

/** Its number, as the health page tells it. */
export async function workerAsked(url: string): Promise<number> {
  const health = await fetch(`${url}/_skerry/health`, { headers: { connection: "close" } });
  return ((await health.json()) as { worker: number }).worker; // our own page
}

/**
 * Runs until a function named `gate` has been deployed, and tells from when to when. A development
 * server looks at whose key it is and, for one it does not know, no further.
 */
export const gated = `const authorization =
  "AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/lambda/aws4_request, " +
  "SignedHeaders=host;x-amz-date, Signature=" + "0".repeat(64);
export const handler = async ({ gate }) => {
  const at = () => performance.timeOrigin + performance.now();
  const fromMs = at();
  const address = process.env.AWS_ENDPOINT_URL + "/2015-03-31/functions/" + gate;
  const headers = { authorization, "x-amz-date": "20300101T000000Z" };
  for (;;) {
    const { status } = await fetch(address, { headers });
    if (status === 200) return { fromMs, toMs: at() };
    if (status !== 404) throw new Error("the gate answers " + status);
    await new Promise((go) => setTimeout(go, 50));
  }
};`;

/** Any function will do. */
export const gate = { "index.mjs": "export const handler = async () => null;" };

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Burst {
  /** Resolves with their reasons once so many calls have been refused. */
  refused(count: number): Promise<readonly (string | undefined)[]>;
  /** Resolves with when the others ran. */
  ran(): Promise<readonly Span[]>;
}

/** So many calls at once, of these functions in turn, each on a connection of its own. */
export function burst(
  lambda: LambdaClient,
  names: readonly string[],
  {
    count,
    event,
    mayFail = false,
  }: { readonly count: number; readonly event: unknown; readonly mayFail?: boolean },
): Burst {
  const reasons: (string | undefined)[] = [];
  let look = (): void => undefined;
  const calls = Array.from({ length: count }, async (_unused, n): Promise<Span | undefined> => {
    try {
      const answer = await lambda.send(
        new InvokeCommand({
          FunctionName: names[n % names.length],
          Payload: JSON.stringify(event),
        }),
      );
      if (mayFail && answer.FunctionError !== undefined) return undefined;
      assert.equal(answer.FunctionError, undefined);
      return JSON.parse(Buffer.from(answer.Payload ?? []).toString()) as Span; // of `gated`
    } catch (error) {
      if (mayFail && !(error instanceof TooManyRequestsException)) return undefined;
      assert.ok(error instanceof TooManyRequestsException, String(error));
      reasons.push(error.Reason);
      look();
      return undefined;
    }
  });
  return {
    refused: (wanted) =>
      new Promise((resolve) => {
        look = () => {
          if (reasons.length >= wanted) resolve(reasons);
        };
        look();
      }),
    ran: async () => (await Promise.all(calls)).filter((span) => span !== undefined),
  };
}

export interface EnvironmentSeen {
  readonly functionArn: string;
  readonly version: string;
  readonly state: string;
}

/** All there are, as the page about functions tells it. */
export async function environmentsOf(url: string): Promise<readonly EnvironmentSeen[]> {
  const answer = await fetch(`${url}/_skerry/functions`, { headers: { connection: "close" } });
  const seen = (await answer.json()) as { environments: readonly EnvironmentSeen[] }; // our own page
  return seen.environments;
}

/** Resolves when so many environments are running something. */
export async function untilBusy(url: string, count: number): Promise<void> {
  for (let busy = -1; busy !== count;) {
    busy = (await environmentsOf(url)).filter((one) => one.state === "busy").length;
    assert.ok(busy <= count, `${busy} run at once`);
  }
}

/** The most that ran at one moment. */
export function overlap(spans: readonly Span[]): number {
  return Math.max(
    0,
    ...spans.map(
      ({ fromMs }) => spans.filter((other) => other.fromMs <= fromMs && fromMs < other.toMs).length,
    ),
  );
}

/** Process ids of the workers below a process, which starts the primary or is it. */
export function workersOf(pid: number): readonly number[] {
  return descendants(pid).filter((one) => /\/src\/worker\.ts\0/.test(commandLine(one)));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it has ended meanwhile
  }
}
