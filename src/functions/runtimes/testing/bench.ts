import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Socket } from "node:net";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { createBubblewrapDriver } from "../../sandbox/drivers/bubblewrap/bubblewrap.ts";
import { createProcessDriver } from "../../sandbox/drivers/process/process.ts";
import type { Sandbox, SandboxDriver } from "../../sandbox/sandbox.ts";
import { createRuntimes } from "../runtimes.ts";
import type { Guest, GuestRequest, GuestResponse, InitOutcome, Runtime } from "../runtimes.ts";

/** Real runtimes in real sandboxes, for tests. */
export interface Bench extends AsyncDisposable {
  readonly driver: SandboxDriver;
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly directory: string;
  /** Boots a guest and makes it the function whose files are given. */
  start(options: StartOptions): Promise<Started>;
}

export interface StartOptions {
  readonly runtime: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly layer?: Readonly<Record<string, string>>;
  readonly handler?: string;
  /** 256 unless given. */
  readonly memoryMiB?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly concurrency?: number;
  /** Used in place of trees written from `files` and `layer`. */
  readonly trees?: Readonly<Record<string, string>>;
  /** The sandbox was made while nobody waited for it. */
  readonly isGeneric?: boolean;
}

export interface Started extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly guest: Guest;
  readonly init: InitOutcome;
  /** Everything written so far, standard output and error together. */
  output(): string;
  /** Resolves when the output contains `text`. */
  written(text: string): Promise<void>;
  invoke(event: unknown, more?: InvokeOptions): Promise<GuestResponse>;
  /** Invokes and reads the JSON answer; fails on anything but a payload. */
  call(event: unknown, more?: InvokeOptions): Promise<unknown>;
}

export interface InvokeOptions extends Partial<GuestRequest> {
  readonly begun?: () => void;
}

export const driverNames = ["bubblewrap", "process"] as const;

/** A reason to leave out the tests under this driver, or false. */
export async function whyNot(name: (typeof driverNames)[number]): Promise<string | false> {
  await using bench = await createBench(name);
  const { usable, reason } = await bench.driver.probe();
  return usable ? false : `${name}: ${reason}`;
}

export async function createBench(name: (typeof driverNames)[number]): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), "skerry-runtimes-"));
  const deps = {
    workDir: directory,
    clock: systemClock,
    random: systemRandom,
    log: { event: () => undefined },
  };
  const driver = name === "process" ? createProcessDriver(deps) : createBubblewrapDriver(deps);
  const runtimes = createRuntimes({ ...deps, driver, endpointPort: 4566 });
  let count = 0;
  return {
    driver,
    runtimes,
    directory,
    start: (options) =>
      start(options, { driver, runtimes, folder: join(directory, `f${count++}`) }),
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function start(
  options: StartOptions,
  place: {
    readonly driver: SandboxDriver;
    readonly runtimes: ReadonlyMap<string, Runtime>;
    readonly folder: string;
  },
): Promise<Started> {
  const runtime = place.runtimes.get(options.runtime);
  if (!runtime) throw new Error(`no runtime ${options.runtime}`);
  const trees: Record<string, string> = { task: join(place.folder, "task"), ...options.trees };
  await writeTree(join(place.folder, "task"), options.files);
  if (options.layer) {
    trees["opt"] = join(place.folder, "opt");
    await writeTree(join(place.folder, "opt"), options.layer);
  }
  const signal = AbortSignal.timeout(60_000);
  const { memoryMiB = 256, isGeneric = false } = options;
  const spec = await runtime.sandboxSpec({ memoryMiB, scratchMiB: 64, isGeneric });
  const sandbox = await place.driver.create(spec, signal);
  const output = listen(sandbox);
  try {
    const guest = await runtime.attach(sandbox, signal);
    const init = await guest.specialise(
      {
        accountId: "000000000000",
        handler: options.handler ?? "index.handler",
        memoryMiB,
        timeoutMs: 30_000,
        ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
        environment: { ...baseEnvironment(options), ...options.environment },
        trees,
      },
      signal,
    );
    return started(sandbox, guest, init, output);
  } catch (error) {
    await sandbox[Symbol.asyncDispose]();
    throw new Error(`start failed; output: ${output.text()}`, { cause: error });
  }
}

function started(
  sandbox: Sandbox,
  guest: Guest,
  init: InitOutcome,
  output: ReturnType<typeof listen>,
): Started {
  let count = 0;
  const invoke: Started["invoke"] = (event, { begun = () => undefined, ...more } = {}) =>
    new Promise((answered, failed) =>
      guest.invoke({ ...requestFor(event, ++count), ...more }, { begun, answered, failed }),
    );
  return {
    sandbox,
    guest,
    init,
    output: output.text,
    written: output.written,
    invoke,
    async call(event, more) {
      const response = await invoke(event, more);
      if (response.kind === "payload") return JSON.parse(textOf(response.payload));
      const detail = response.kind === "error" ? textOf(response.error.payload) : "";
      throw new Error(`answered with ${response.kind} ${detail}; output: ${output.text()}`);
    },
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}

function requestFor(event: unknown, count: number): GuestRequest {
  return {
    requestId: `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`,
    functionArn: "arn:aws:lambda:us-east-1:000000000000:function:test",
    deadlineMs: systemClock.nowMs() + 30_000,
    traceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
    clientContext: undefined,
    cognitoIdentity: undefined,
    payload: Buffer.from(JSON.stringify(event)),
    streaming: false,
  };
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

/** The parsed body of an error, from an answer or from init. */
export function errorOf(answer: GuestResponse | InitOutcome): {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly body: Readonly<Record<string, unknown>>;
} {
  if (answer.kind !== "error") throw new Error(`no error but ${answer.kind}`);
  const { errorType, errorMessage, payload } = answer.error;
  return { errorType, errorMessage, body: JSON.parse(textOf(payload)) };
}

/** Reads a streamed answer to its end. */
export async function readStream(response: GuestResponse): Promise<{
  readonly text: string;
  readonly contentType: string | undefined;
  readonly error: string | undefined;
}> {
  if (response.kind !== "stream") throw new Error(`no stream but ${response.kind}`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  const error = await response.ended;
  const text = textOf(Buffer.concat(chunks));
  return { text, contentType: response.contentType, error: error?.errorType };
}

export async function writeTree(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode: name.includes("bootstrap") ? 0o755 : 0o644 });
  }
}

function baseEnvironment(options: StartOptions): Record<string, string> {
  return {
    AWS_EXECUTION_ENV: `AWS_Lambda_${options.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: "test",
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
    AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/test",
    AWS_LAMBDA_LOG_STREAM_NAME: "2026/11/21/[$LATEST]abc",
    AWS_REGION: "us-east-1",
    LAMBDA_TASK_ROOT: "/var/task",
    LANG: "en_US.UTF-8",
    PATH: "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    TZ: ":UTC",
    _HANDLER: options.handler ?? "index.handler",
  };
}

function listen(sandbox: Sandbox): {
  text: () => string;
  written: (text: string) => Promise<void>;
} {
  let text = "";
  let onMore = Promise.withResolvers<void>();
  const take = (socket: Socket): void => {
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      onMore.resolve();
      onMore = Promise.withResolvers<void>();
    });
  };
  take(sandbox.stdout);
  take(sandbox.stderr);
  return {
    text: () => text,
    async written(wanted) {
      while (!text.includes(wanted)) await onMore.promise;
    },
  };
}
