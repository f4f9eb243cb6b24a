import type { Clock } from "#base/clock.ts";
import type { Logger, RequestContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { createHolder, type Holder, isGone } from "#base/holder.ts";
import type { Random } from "#base/random.ts";
import type { FunctionResolver, ResolvedFunction } from "#functions/registry/registry.ts";
import { isFinal, nextDeliveryMs, type TargetRegistry } from "#events/events.ts";
import type { Store } from "#storage/storage.ts";
import { createAsyncQueue, type AsyncQueue } from "./async-queue.ts";
import { deadLetter, destinationRecord } from "./destination-record.ts";
import { decideFate, isTooOld, type AttemptResult } from "./fate.ts";
import { RecursionError } from "./errors.ts";
import type { AsyncSettings, Invocation, InvocationResult } from "./invoker.ts";
import {
  asyncDrainMs,
  asyncRunsMax,
  claimMax,
  deliveryPolicy,
  deliveryTimeoutMs,
  leaseMs,
  leaseRenewalMs,
} from "./limits.ts";
import type { Delivery, QueuedEvent } from "./queued-event.ts";

export interface DispatcherDeps {
  readonly store: Store;
  readonly resolver: FunctionResolver;
  readonly targets: TargetRegistry;
  readonly asyncSettings: AsyncSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Runs one attempt like a synchronous invocation. */
  readonly invoke: (invocation: Invocation) => Promise<InvocationResult>;
}

/** Takes due events out of the queue, runs them, and writes what becomes of them. */
export class Dispatcher implements AsyncDisposable {
  readonly #deps: DispatcherDeps;
  readonly #queue: AsyncQueue;
  readonly #lease: Holder;
  readonly #stop = new AbortController();
  /** Ends contexts of running attempts when draining has taken too long. */
  readonly #abandon = new AbortController();
  readonly #running = new Map<string, Promise<void>>();
  readonly #claimedTwice = new Set<string>();
  readonly #watching: Promise<void>;
  #turning: Promise<void> | undefined;
  #turnAgain = false;
  #wake: Disposable | undefined;
  #renewal: Disposable | undefined;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    this.#queue = createAsyncQueue(deps.store);
    this.#lease = createHolder(deps.random);
    this.#watching = this.#watch();
  }

  /** Durable when it resolves; run as soon as there is room. */
  async add(invocation: Invocation): Promise<void> {
    if (this.#stop.signal.aborted)
      throw new PlatformError("server.stopping", "no event is accepted while the server stops");
    const nowMs = this.#deps.clock.nowMs();
    await this.#queue.add(eventOf(invocation, nowMs), invocation.payload, nowMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new PlatformError("server.stopping", "the server stops"));
    this.#wake?.[Symbol.dispose]();
    await this.#watching;
    await this.#turning;
    using _limit = this.#deps.clock.timer(asyncDrainMs, () => this.#abandon.abort());
    const abandoned = Promise.withResolvers<void>();
    this.#abandon.signal.addEventListener("abort", () => abandoned.resolve(), { once: true });
    await Promise.race([Promise.allSettled(this.#running.values()), abandoned.promise]);
    this.#abandon.abort(); // whatever still runs is not heard any more
    this.#renewal?.[Symbol.dispose]();
  }

  async #watch(): Promise<void> {
    try {
      const found = await this.#queue.recover(
        (lease) => isGone(lease, this.#lease),
        this.#deps.clock.nowMs(),
      );
      if (found > 0) this.#deps.log.event("async.recovered", { count: found });
      for await (const _ of this.#deps.store.watch(this.#queue.range, this.#stop.signal))
        this.#turn();
    } catch (error) {
      if (!this.#stop.signal.aborted)
        this.#deps.log.event("async.watch-failed", { level: "error", error });
    }
  }

  /** One turn at a time; what happens meanwhile makes for another one. */
  #turn(): void {
    if (this.#turning) {
      this.#turnAgain = true;
      return;
    }
    this.#turnAgain = false;
    this.#turning = this.#claimDue()
      .catch((error: unknown) => {
        if (this.#stop.signal.aborted) return;
        this.#deps.log.event("async.claim-failed", { level: "error", error });
        this.#sleepUntil(this.#deps.clock.nowMs() + leaseRenewalMs);
      })
      .finally(() => {
        this.#turning = undefined;
        if (this.#turnAgain && !this.#stop.signal.aborted) this.#turn();
      });
  }

  async #claimDue(): Promise<void> {
    const { clock } = this.#deps;
    while (this.#running.size < asyncRunsMax && !this.#stop.signal.aborted) {
      const nowMs = clock.nowMs();
      const dueMs = await this.#queue.nextDueMs();
      if (dueMs === undefined) return;
      if (dueMs > nowMs) return this.#sleepUntil(dueMs);
      const limit = Math.min(claimMax, asyncRunsMax - this.#running.size);
      const events = await this.#queue.claim({
        nowMs,
        untilMs: nowMs + leaseMs,
        limit,
        lease: this.#lease,
      });
      for (const event of events) this.#begin(event);
    }
    // Full: the end of a run makes the next turn.
  }

  #sleepUntil(wallMs: number): void {
    this.#wake?.[Symbol.dispose]();
    const inMs = Math.max(1, wallMs - this.#deps.clock.nowMs());
    this.#wake = this.#deps.clock.timer(inMs, () => this.#turn());
  }

  #begin(event: QueuedEvent): void {
    const id = event.requestId;
    if (this.#running.has(id)) {
      // Our lease ran out while it still runs, or what it wrote last was claimed before it was over here.
      this.#claimedTwice.add(id);
      return;
    }
    const running = this.#run(event);
    this.#running.set(id, running);
    this.#renewal ??= this.#deps.clock.timer(leaseRenewalMs, () => this.#renew());
  }

  async #run(event: QueuedEvent): Promise<void> {
    const id = event.requestId;
    try {
      await this.#handle(event);
    } catch (error) {
      // The lease runs out and the event comes up again.
      this.#deps.log.event("async.event-failed", { level: "error", requestId: id, error });
    }
    this.#running.delete(id);
    if (this.#claimedTwice.delete(id)) await this.#release(id);
    if (!this.#stop.signal.aborted) this.#turn();
  }

  /** Without this it would come up again only when the lease runs out. */
  async #release(id: string): Promise<void> {
    try {
      await this.#queue.release(id, this.#lease, this.#deps.clock.nowMs());
    } catch (error) {
      this.#deps.log.event("async.release-failed", { level: "warn", requestId: id, error });
    }
  }

  #renew(): void {
    this.#renewal = undefined;
    if (this.#running.size === 0) return;
    this.#queue
      .renew([...this.#running.keys()], this.#lease, this.#deps.clock.nowMs() + leaseMs)
      .catch((error: unknown) =>
        this.#deps.log.event("async.renew-failed", { level: "warn", error }),
      );
    this.#renewal = this.#deps.clock.timer(leaseRenewalMs, () => this.#renew());
  }

  async #handle(event: QueuedEvent): Promise<void> {
    if (event.delivery) return this.#deliver({ ...event, delivery: event.delivery });
    const { resolver, asyncSettings, clock, random } = this.#deps;
    const target = await resolver.resolve(event, event);
    const config = target && (await asyncSettings.find(target));
    const { result, response } = await this.#attempt(
      event,
      target,
      isTooOld(event, config, clock.nowMs()),
    );
    // Killed by our own stop, not by its own fault: it keeps its lease and runs again after the restart.
    if (this.#abandon.signal.aborted) return;
    const deadLetterArn = target?.revision.deadLetterArn;
    const nowMs = clock.nowMs();
    const fate = decideFate(event, result, { config, deadLetterArn, nowMs, random });
    if (result.kind !== "ok")
      this.#deps.log.event("async.attempt-failed", {
        requestId: event.requestId,
        result: result.kind,
        fate: fate.kind,
      });
    switch (fate.kind) {
      case "done":
        return this.#queue.remove(event.requestId);
      case "again":
        return this.#queue.put(fate.event, fate.dueMs);
      case "deliver":
        // Outcome and what follows from it in one transaction; the delivery is the next claim's.
        return this.#queue.put(fate.event, nowMs, response);
    }
  }

  async #attempt(
    event: QueuedEvent,
    target: ResolvedFunction | undefined,
    tooOld: boolean,
  ): Promise<{ readonly result: AttemptResult; readonly response?: Uint8Array }> {
    if (tooOld) return { result: { kind: "too-old" } };
    if (!target) return { result: { kind: "no-function" } };
    const { payload } = await this.#queue.bytes(event.requestId);
    const context = this.#contextOf(
      event,
      this.#deps.clock.nowMs() + 2 * target.revision.timeoutMs,
    );
    const { clientContext } = event;
    try {
      const invocation = {
        target,
        payload,
        context,
        ...(clientContext !== undefined && { clientContext }),
      };
      const answered = await this.#deps.invoke(invocation);
      const response = await collect(answered.payload);
      const outcome = await answered.outcome;
      const { executedVersion } = answered;
      if (outcome.kind === "ok") {
        const told = { executedVersion, functionError: undefined, errorMessage: undefined };
        return { result: { kind: "ok", response: told }, response };
      }
      const told = {
        executedVersion,
        functionError: "Unhandled",
        errorMessage: messageOf(response),
      };
      return { result: { kind: "function-error", response: told }, response };
    } catch (error) {
      if (error instanceof RecursionError) return { result: { kind: "recursion" } };
      // Throttles and the platform's failures alike: the function has not answered.
      return { result: { kind: "setback" } };
    }
  }

  async #deliver(event: QueuedEvent & { readonly delivery: Delivery }): Promise<void> {
    const { targets, clock, random, log } = this.#deps;
    const bytes = await this.#queue.bytes(event.requestId);
    const left: Delivery["targets"][number][] = [];
    for (const to of event.delivery.targets) {
      const record =
        to.form === "record"
          ? destinationRecord(
              event,
              { request: bytes.payload, response: bytes.response },
              clock.nowMs(),
            )
          : deadLetter(event, bytes.payload);
      try {
        const target = targets.find(to.arn);
        if (!target)
          throw new PlatformError("target.unknown", `nothing here can receive for ${to.arn}`);
        const context = this.#contextOf(event, clock.nowMs() + deliveryTimeoutMs);
        const failed = await target.deliver([record], context);
        if (failed.size > 0) left.push(to);
      } catch (error) {
        if (!isFinal(error)) left.push(to);
        log.event("async.delivery-failed", {
          level: "warn",
          requestId: event.requestId,
          target: to.arn,
          error,
        });
      }
    }
    const attempts = event.delivery.attempts + 1;
    const againAtMs = nextDeliveryMs(attempts, deliveryPolicy, { nowMs: clock.nowMs(), random });
    if (left.length === 0 || againAtMs === undefined) {
      if (left.length > 0)
        log.event("async.delivery-given-up", { level: "error", requestId: event.requestId });
      return this.#queue.remove(event.requestId);
    }
    const delivery = { ...event.delivery, targets: left, attempts };
    return this.#queue.put({ ...event, lease: undefined, delivery }, againAtMs);
  }

  #contextOf(event: QueuedEvent, deadlineMs: number): RequestContext {
    return {
      requestId: event.requestId,
      principal: { arn: event.principalArn, accountId: event.principalAccountId },
      region: event.region,
      deadlineMs,
      signal: this.#abandon.signal,
      trace: event.trace,
      endpoint: event.endpoint,
      log: this.#deps.log,
    };
  }
}

function eventOf(invocation: Invocation, nowMs: number): QueuedEvent {
  const { target, context, clientContext } = invocation;
  const { accountId, region, name, functionArn } = target.revision;
  const { traceId, spanId, sampled, hops } = context.trace;
  return {
    requestId: context.requestId,
    accountId,
    region,
    name,
    functionArn,
    clientContext,
    qualifier: target.qualifier,
    principalArn: context.principal.arn,
    principalAccountId: context.principal.accountId,
    endpoint: context.endpoint,
    trace: { traceId, spanId, sampled, hops },
    acceptedAtMs: nowMs,
    runs: 0,
    setbacks: 0,
    lease: undefined,
    delivery: undefined,
  };
}

async function collect(payload: InvocationResult["payload"]): Promise<Uint8Array> {
  return payload instanceof Uint8Array ? payload : Buffer.concat(await Array.fromAsync(payload));
}

function messageOf(response: Uint8Array): string | undefined {
  try {
    const body: unknown = JSON.parse(Buffer.from(response).toString("utf8"));
    if (typeof body !== "object" || body === null || !("errorMessage" in body)) return undefined;
    return typeof body.errorMessage === "string" ? body.errorMessage : undefined;
  } catch {
    return undefined;
  }
}
