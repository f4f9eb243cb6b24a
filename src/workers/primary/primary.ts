import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backoffMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import type { Random } from "#base/random.ts";
import { reachGraceMs, restartPolicy, socketPathBytesMax, stableMs } from "../limits.ts";
import type { IncomingCall, Link } from "../link/link.ts";
import { Arbiter, type FromWorker, type Told } from "../permits/arbiter.ts";
import { Directory } from "./directory.ts";
import { reservePort } from "./port.ts";
import { startWorker, type WorkerProcess } from "./process.ts";
import { untilNothingRemains } from "./remains.ts";

export interface PrimaryDeps {
  /** Path of the program that calls `serveAsWorker`. */
  readonly program: string;
  readonly count: number;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly accountConcurrency: number;
  /** MiB that all sandboxes of all workers may reserve. */
  readonly functionMemoryMiB: number;
  /** What the worker in this place, 0 … count - 1, is started with; becomes JSON. */
  readonly settingsOf: (place: number, port: number) => unknown;
  /** The folder that its launcher, and nothing else, names on command lines. */
  readonly folderOf: (place: number) => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What each worker said when it had started. */
export interface StartedWorkers<Started> extends AsyncDisposable {
  readonly started: readonly Started[];
}

interface Worker {
  /** Never used twice. */
  readonly id: number;
  readonly place: number;
  readonly process: WorkerProcess;
  readonly link: Link;
  /** Linked up with the others and serving. */
  isReady: boolean;
  hasExited: boolean;
  /** Resolves when it has ended and nothing of it remains. */
  readonly buried: PromiseWithResolvers<void>;
}

/**
 * Starts the workers and resolves when all of them serve. One that dies is started again; disposing
 * drains them all and resolves when nothing is left running. Errors: those of a worker's start.
 */
export async function startWorkers<Started>(deps: PrimaryDeps): Promise<StartedWorkers<Started>> {
  const folder = await mkdtemp(join(tmpdir(), "skerry-workers-"));
  if (Buffer.byteLength(join(folder, "1000000")) > socketPathBytesMax)
    throw new PlatformError(
      "config.invalid",
      `the path ${tmpdir()} is too long for sockets: TMPDIR`,
    );
  const port = await reservePort(deps.host, deps.port);
  const primary = new Primary(deps, folder, port.port);
  try {
    const started = (await primary.start()) as Started[]; // what the composition's workers answer
    return { started, [Symbol.asyncDispose]: () => primary[Symbol.asyncDispose]() };
  } catch (error) {
    await primary[Symbol.asyncDispose]();
    throw error;
  } finally {
    await port.release();
  }
}

class Primary implements AsyncDisposable {
  readonly #deps: PrimaryDeps;
  readonly #folder: string;
  readonly #port: number;
  /** By the name under which workers talk about them. */
  readonly #arbiters: ReadonlyMap<string, Arbiter>;
  readonly #directory = new Directory();
  readonly #workers = new Map<number, Worker>();
  readonly #keeping: Promise<void>[] = [];
  readonly #stop = new AbortController();
  #nextId = 1;

  constructor(deps: PrimaryDeps, folder: string, port: number) {
    this.#deps = deps;
    this.#folder = folder;
    this.#port = port;
    this.#arbiters = new Map([
      ["permits", new Arbiter(deps.accountConcurrency)],
      ["memory", new Arbiter(deps.functionMemoryMiB)],
    ]);
  }

  async start(): Promise<readonly unknown[]> {
    const workers = Array.from({ length: this.#deps.count }, (_unused, place) =>
      this.#begin(place),
    );
    await Promise.all(workers.map((worker) => this.#open(worker)));
    const started = await Promise.all(workers.map((worker) => this.#join(worker)));
    for (const worker of workers) this.#keeping.push(this.#keep(worker));
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new PlatformError("server.stopping", "the server stops"));
    // Each step is taken by all before the next one: until the last, they serve each other.
    for (const step of ["drain", "settle", "end"]) {
      const live = [...this.#workers.values()].filter((worker) => worker.isReady);
      await Promise.allSettled(live.map((worker) => worker.link.call(step, {})));
    }
    for (const worker of this.#workers.values()) if (!worker.isReady) worker.process.kill();
    await Promise.all([...this.#workers.values()].map((worker) => worker.process.exited));
    await Promise.all(this.#keeping);
    await rm(this.#folder, { recursive: true, force: true });
  }

  #begin(place: number): Worker {
    const id = this.#nextId++;
    const process = startWorker(this.#deps.program, {
      call: (call) => void this.#answer(id, call),
      note: (name, meta) => {
        const arbiter = this.#arbiters.get(name);
        if (arbiter) this.#tell(name, arbiter.take(id, meta as FromWorker)); // our own program's
      },
    });
    const worker: Worker = {
      id,
      place,
      process,
      link: process.link,
      isReady: false,
      hasExited: false,
      buried: Promise.withResolvers(),
    };
    this.#workers.set(id, worker);
    void this.#note(worker);
    return worker;
  }

  async #note(worker: Worker): Promise<void> {
    await worker.process.exited;
    worker.hasExited = true;
    worker.isReady = false;
  }

  /** From here on later ones can link up with it. */
  async #open(worker: Worker): Promise<void> {
    const { id, place, link } = worker;
    const settings = this.#deps.settingsOf(place, this.#port);
    await link.call("open", { meta: { id, folder: this.#folder, settings } });
  }

  async #join(worker: Worker): Promise<unknown> {
    const earlier = [...this.#workers.values()].filter(
      (other) => other.id < worker.id && !other.hasExited,
    );
    const reply = await worker.link.call("start", { meta: earlier.map((other) => other.id) });
    worker.isReady = true;
    return reply.meta;
  }

  /** Waits for its end and starts another in its place, until the server stops. */
  async #keep(first: Worker): Promise<void> {
    const { clock, log, random } = this.#deps;
    const { signal } = this.#stop;
    let failures = 0;
    for (let worker = first; ;) {
      const sinceMs = clock.monotonicMs();
      const how = await worker.process.exited;
      if (signal.aborted) return;
      const livedMs = clock.monotonicMs() - sinceMs;
      log.event("worker.lost", { level: "error", worker: worker.id, how, livedMs });
      await this.#bury(worker);
      failures = livedMs > stableMs ? 0 : failures + 1;
      await clock.sleep(backoffMs(failures, restartPolicy, random), signal).catch(() => undefined);
      if (signal.aborted) return;
      worker = this.#begin(first.place);
      try {
        await this.#open(worker);
        await this.#join(worker);
        log.event("worker.restarted", { level: "warn", worker: worker.id });
      } catch (error) {
        log.event("worker.start-failed", { level: "error", worker: worker.id, error });
        worker.process.kill();
      }
    }
  }

  async #bury(worker: Worker): Promise<void> {
    worker.link[Symbol.dispose]();
    for (const [name, arbiter] of this.#arbiters) this.#tell(name, arbiter.silenced(worker.id));
    const folder = this.#deps.folderOf(worker.place);
    await untilNothingRemains(folder, { clock: this.#deps.clock, signal: this.#stop.signal }).catch(
      () => undefined, // the server stops: nobody is waiting for its places any more
    );
    this.#workers.delete(worker.id);
    this.#directory.gone(worker.id);
    for (const [name, arbiter] of this.#arbiters) this.#tell(name, arbiter.gone(worker.id));
    worker.buried.resolve();
  }

  #tell(name: string, told: readonly Told[]): void {
    for (const { worker, message } of told) this.#workers.get(worker)?.link.tell(name, message);
  }

  async #answer(asker: number, call: IncomingCall): Promise<void> {
    try {
      if (call.name !== "owner") throw new PlatformError("target.unknown", `no ${call.name} here`);
      const { functionArn, lostId } = call.meta as { functionArn: string; lostId?: number }; // by `Member`
      call.reply(await this.#ownerOf(functionArn, { asker, lostId }));
    } catch (error) {
      call.fail(error);
    }
  }

  async #ownerOf(
    functionArn: string,
    { asker, lostId }: { readonly asker: number; readonly lostId: number | undefined },
  ): Promise<number> {
    for (;;) {
      const id = this.#directory.find(functionArn);
      const owner = id === undefined ? undefined : this.#workers.get(id);
      if (id === undefined || !owner) {
        const ready = [...this.#workers.values()].filter((worker) => worker.isReady);
        // An asker may serve a moment before its answer to "start" has arrived here.
        const ids = ready.length > 0 ? ready.map((worker) => worker.id) : [asker];
        return this.#directory.assign(functionArn, ids);
      }
      if (!owner.hasExited && id !== lostId) return id;
      if (!owner.hasExited) await this.#suspect(owner);
      // A function has one owner: the next one only when nothing of the last is left.
      await owner.buried.promise;
    }
  }

  /** Somebody has lost its link to it: it is dying, or it is no good to anybody. */
  async #suspect(worker: Worker): Promise<void> {
    const { clock, log } = this.#deps;
    using _limit = clock.timer(reachGraceMs, () => {
      log.event("worker.unreachable", { level: "error", worker: worker.id });
      worker.process.kill();
    });
    await worker.process.exited;
  }
}
