import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "#base/random.ts";
import { createSeededRandom } from "#base/random.ts";
import { ThrottledError } from "#functions/invoker/invoker.ts";
import type { ResolvedFunction } from "#functions/registry/registry.ts";
import { Arbiter, type FromWorker, type Told } from "./arbiter.ts";
import { createLeasedAdmission, type LeasedAdmission } from "./leased-admission.ts";

interface Worker {
  readonly id: number;
  readonly admission: LeasedAdmission;
  readonly inbox: Told["message"][];
  readonly outbox: FromWorker[];
  readonly running: Disposable[];
  isDead: boolean;
}

/** Workers and their arbiter, with messages that arrive in order but whenever the seed says. */
class Simulation {
  readonly limit: number;
  readonly #random: Random;
  readonly #arbiter: Arbiter;
  readonly workers: Worker[] = [];
  /** Of the dead: what they had begun and what may not have ended yet. */
  readonly #remains = new Map<number, number>();
  #nextId = 1;
  granted = 0;
  refused = 0;
  peak = 0;

  constructor(random: Random, limit: number, count: number) {
    this.limit = limit;
    this.#random = random;
    this.#arbiter = new Arbiter(limit);
    for (let n = 0; n < count; n++) this.join();
  }

  join(): void {
    const outbox: FromWorker[] = [];
    this.workers.push({
      id: this.#nextId++,
      admission: createLeasedAdmission({
        accountConcurrency: this.limit,
        send: (message) => void outbox.push(message),
      }),
      inbox: [],
      outbox,
      running: [],
      isDead: false,
    });
  }

  get runningCount(): number {
    const remains = [...this.#remains.values()].reduce((sum, count) => sum + count, 0);
    return this.workers.reduce((sum, one) => sum + one.running.length, remains);
  }

  async invoke(worker: Worker, target: ResolvedFunction): Promise<boolean> {
    let place: Disposable;
    try {
      place = await worker.admission.admit(target);
    } catch (error) {
      assert.ok(error instanceof ThrottledError);
      this.refused++;
      return false;
    }
    this.granted++;
    if (worker.isDead) return true; // it died in the same moment; counted among its remains
    worker.running.push(place);
    this.check();
    return true;
  }

  check(): void {
    this.peak = Math.max(this.peak, this.runningCount);
    assert.ok(this.runningCount <= this.limit, `${this.runningCount} run at once`);
  }

  kill(worker: Worker): void {
    worker.isDead = true;
    this.workers.splice(this.workers.indexOf(worker), 1);
    this.#remains.set(worker.id, worker.running.length);
    // What it had sent may have arrived before the arbiter hears of its death; the rest is lost.
    for (let left = this.below(worker.outbox.length + 1); left > 0; left--) this.#up(worker);
    this.#tell(this.#arbiter.silenced(worker.id));
  }

  /** The remains of one dead worker have ended. */
  bury(): void {
    const [id] = this.#remains.keys();
    if (id === undefined) return;
    this.#remains.delete(id);
    this.#tell(this.#arbiter.gone(id));
  }

  below(limit: number): number {
    return Math.floor(this.#random.fraction() * limit);
  }

  pick(): Worker | undefined {
    return this.workers[this.below(this.workers.length)];
  }

  /** One message arrives somewhere; false when none is under way. */
  async deliver(): Promise<boolean> {
    const busy = this.workers.filter((one) => one.inbox.length + one.outbox.length > 0);
    const worker = busy[this.below(busy.length)];
    if (!worker) return false;
    const isUp = worker.inbox.length === 0 || (worker.outbox.length > 0 && this.below(2) === 0);
    if (isUp) this.#up(worker);
    else {
      const message = worker.inbox.shift();
      if (message) worker.admission.receive(message);
    }
    await settled();
    this.check();
    return true;
  }

  async quiet(): Promise<void> {
    while (await this.deliver());
  }

  #up(worker: Worker): void {
    const message = worker.outbox.shift();
    if (message) this.#tell(this.#arbiter.take(worker.id, message));
  }

  #tell(told: readonly Told[]): void {
    for (const { worker, message } of told)
      this.workers.find((one) => one.id === worker)?.inbox.push(message);
  }
}

/** Whoever waits for a promise that has been resolved has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function target(name: string, reservedConcurrency?: number): ResolvedFunction {
  const revision = { accountId: "000000000000", region: "us-east-1", functionArn: name };
  return { revision, qualifier: undefined, reservedConcurrency } as ResolvedFunction; // admission reads no more of it
}

async function run(seed: number): Promise<Simulation> {
  const random = createSeededRandom(seed);
  const limit = 1 + Math.floor(random.fraction() * 40);
  const simulation = new Simulation(random, limit, 2 + Math.floor(random.fraction() * 4));
  const reserved = Math.floor(limit / 3);
  const pending = new Set<Promise<boolean>>();
  for (let step = 0; step < 600; step++) {
    const what = simulation.below(18);
    const worker = simulation.pick();
    if (!worker) break;
    if (what < 8) {
      // The function with a reservation lives in one worker, as placement has it.
      const isOwner = worker === simulation.workers[0];
      const call = simulation.invoke(
        worker,
        isOwner && simulation.below(3) === 0 ? target("reserved", reserved) : target("any"),
      );
      pending.add(call);
      void call.finally(() => pending.delete(call));
    } else if (what < 11) {
      worker.running.splice(simulation.below(worker.running.length), 1)[0]?.[Symbol.dispose]();
    } else if (what === 11 && simulation.below(15) === 0 && simulation.workers.length > 2) {
      simulation.kill(worker);
    } else if (what === 12) simulation.bury();
    else if (what === 13 && simulation.workers.length < 3) simulation.join();
    else await simulation.deliver();
    await settled();
    simulation.check();
  }
  await simulation.quiet();
  return simulation;
}

test("permits are never exceeded, never lost and never withheld, whoever dies when", async () => {
  const first = Math.floor(Math.random() * 2 ** 31);
  let granted = 0;
  let refused = 0;
  let full = 0;
  for (let seed = first; seed < first + 150; seed++) {
    const simulation = await run(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
    granted += simulation.granted;
    refused += simulation.refused;
    if (simulation.peak === simulation.limit) full++;
    // Once everything has ended, one worker alone can have all of them.
    for (const worker of simulation.workers)
      for (const place of worker.running.splice(0)) place[Symbol.dispose]();
    for (let n = 0; n < 20; n++) simulation.bury();
    const owner = simulation.workers[0];
    const other = simulation.workers[1];
    assert.ok(owner && other);
    const release = simulation.invoke(owner, target("reserved")); // its reservation is over
    await simulation.quiet();
    assert.ok(await release, `seed ${seed}`);
    for (let n = 1; n < simulation.limit; n++) {
      const call = simulation.invoke(other, target("any"));
      await simulation.quiet();
      assert.ok(await call, `seed ${seed}: permit ${n + 1} of ${simulation.limit} is missing`);
    }
    const over = simulation.invoke(other, target("any"));
    await simulation.quiet();
    assert.equal(await over, false, `seed ${seed}`);
  }
  console.log(
    `seeds from ${first}: ${granted} granted, ${refused} refused, ${full} of 150 runs full`,
  );
  assert.ok(granted > 1_000 && refused > 100 && full > 15, "the simulation reached the limits");
});

test("a burst at one worker needs few messages when permits are plenty", async () => {
  const simulation = new Simulation(createSeededRandom(1), 1_000, 4);
  const worker = simulation.workers[0];
  assert.ok(worker);
  let messages = 0;
  for (let n = 0; n < 300; n++) {
    const call = simulation.invoke(worker, target("any"));
    while (await simulation.deliver()) messages++;
    assert.ok(await call);
  }
  assert.ok(messages <= 30, `${messages} messages for 300 permits`);
});

test("a reservation is taken from what the others can have, and given back when it is removed", async () => {
  const simulation = new Simulation(createSeededRandom(2), 5, 2);
  const [owner, other] = simulation.workers;
  assert.ok(owner && other);
  const admit = async (worker: Worker, what: ResolvedFunction): Promise<boolean> => {
    const call = simulation.invoke(worker, what);
    await simulation.quiet();
    return call;
  };
  assert.equal(await admit(owner, target("f", 2)), true);
  for (const expected of [true, true, true, false])
    assert.equal(await admit(other, target("any")), expected);
  assert.equal(await admit(owner, target("f", 2)), true);
  assert.equal(await admit(owner, target("f", 2)), false);
  for (const place of owner.running.splice(0)) place[Symbol.dispose]();
  assert.equal(await admit(owner, target("f")), true);
  await simulation.quiet();
  assert.equal(await admit(other, target("any")), true);
  assert.equal(await admit(other, target("any")), false);
});
