import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import type { Placement } from "#functions/invoker/invoker.ts";
import type { MemoryShare } from "#functions/pool/pool.ts";
import type { FunctionResolver } from "#functions/registry/registry.ts";
import type { Store } from "#storage/storage.ts";
import { invokeCall } from "../invocations/invocations.ts";
import { askTimeoutMs } from "../limits.ts";
import type { IncomingCall, Link } from "../link/link.ts";
import { MemoryLease } from "../memory/memory-lease.ts";
import type { FromWorker, ToWorker } from "../permits/arbiter.ts";
import { createLeasedAdmission, type LeasedAdmission } from "../permits/leased-admission.ts";
import { type AnnouncingStore, createAnnouncingStore } from "./announcing-store.ts";
import { type Mesh, openMesh } from "./mesh.ts";
import { WorkerPlacement } from "./placement.ts";

/** What one worker has of the others: everything that makes several processes answer like one. */
export interface Membership extends AsyncDisposable {
  /** Of this worker, 1 …; one that is started again has another. */
  readonly id: number;
  readonly admission: LeasedAdmission;
  readonly memory: MemoryShare;
  /** Where functions live; `resolver` finds those that others ask for. */
  place(deps: { readonly resolver: FunctionResolver; readonly log: Logger }): Placement;
  /** Whether a function lives in this worker; names an owner if it has none yet. */
  owns(functionArn: string): Promise<boolean>;
  /** The same store, for what every worker keeps in memory of it. */
  share(store: Store): Store;
  /** What the other workers are answered, as JSON, when they ask for `name`. */
  answer(name: string, handler: (asked: unknown) => unknown): void;
  /** The answers of all other workers; one that dies or takes too long has none. Never rejects. */
  askOthers(name: string, asked?: unknown): Promise<readonly unknown[]>;
}

export interface MembershipDeps {
  readonly id: number;
  readonly folder: string;
  readonly primary: Link;
  readonly accountConcurrency: number;
  /** MiB of sandboxes' memory to begin with. */
  readonly memoryShareMiB: number;
  readonly clock: Clock;
}

/** The worker's side, with what its process passes on from the primary. */
export interface OpenMembership extends Membership {
  /** Links up with those who were there before. */
  join(ids: readonly number[]): Promise<void>;
  /** A note of the primary. */
  receive(name: string, meta: unknown): void;
}

const announceCall = "changed";

/** Resolves when later workers can link up with this one. */
export async function openMembership(deps: MembershipDeps): Promise<OpenMembership> {
  const member = new Member(deps);
  await member.open();
  return member;
}

class Member implements OpenMembership {
  readonly id: number;
  readonly admission: LeasedAdmission;
  readonly memory: MemoryLease;
  readonly #deps: MembershipDeps;
  readonly #handlers = new Map<string, (asked: unknown) => unknown>();
  readonly #stores: AnnouncingStore[] = [];
  #placement: WorkerPlacement | undefined;
  #log: Logger | undefined;
  #mesh: Mesh | undefined;

  constructor(deps: MembershipDeps) {
    this.#deps = deps;
    this.id = deps.id;
    this.admission = createLeasedAdmission({
      accountConcurrency: deps.accountConcurrency,
      send: (message: FromWorker) => deps.primary.tell("permits", message),
    });
    this.memory = new MemoryLease({
      clock: deps.clock,
      send: (message: FromWorker) => deps.primary.tell("memory", message),
    });
    this.answer(announceCall, async () => {
      for (const store of this.#stores) store.noticed();
      // Whoever watches has looked when the tasks that this has set off are done.
      await new Promise((resolve) => setImmediate(resolve));
    });
  }

  async open(): Promise<void> {
    const { id, folder } = this.#deps;
    this.#mesh = await openMesh({
      id,
      folder,
      onCall: (call) => void this.#answer(call),
      onNote: () => undefined,
    });
  }

  async join(ids: readonly number[]): Promise<void> {
    this.memory.begin(this.#deps.memoryShareMiB);
    await Promise.all(ids.map(async (id) => this.#mesh?.join(id)));
  }

  receive(name: string, meta: unknown): void {
    const message = meta as ToWorker; // the primary's own
    if (name === "permits") this.admission.receive(message);
    if (name === "memory") this.memory.receive(message);
  }

  place(deps: { readonly resolver: FunctionResolver; readonly log: Logger }): Placement {
    const { id, primary } = this.#deps;
    this.#log = deps.log;
    this.#placement = new WorkerPlacement({
      ...deps,
      id,
      findLink: (other) => this.#mesh?.find(other),
      askOwner: async (functionArn, lostId) => {
        const reply = await primary.call("owner", { meta: { functionArn, lostId } });
        return Number(reply.meta);
      },
    });
    return this.#placement;
  }

  async owns(functionArn: string): Promise<boolean> {
    return (await this.#placement?.ownerOf(functionArn)) === this.id;
  }

  share(store: Store): Store {
    const shared = createAnnouncingStore(store, async () => {
      await this.askOthers(announceCall);
    });
    this.#stores.push(shared);
    return shared;
  }

  answer(name: string, handler: (asked: unknown) => unknown): void {
    this.#handlers.set(name, handler);
  }

  async askOthers(name: string, asked?: unknown): Promise<readonly unknown[]> {
    const links = this.#mesh?.links ?? [];
    if (links.length === 0) return [];
    const { clock } = this.#deps;
    const late = Promise.withResolvers<undefined>();
    using _limit = clock.timer(askTimeoutMs, () => late.resolve(undefined));
    const answers = await Promise.all(
      links.map(async (link) => {
        const reply = link.call(name, { meta: asked });
        ignore(reply, "its answer may be late, or its worker dead; it is then left out");
        return Promise.race([reply, late.promise]).catch(() => undefined);
      }),
    );
    const told = answers.filter((reply) => reply !== undefined);
    const missing = links.length - told.length;
    if (missing > 0) this.#log?.event("workers.unanswered", { level: "warn", name, missing });
    return told.map(({ body }): unknown =>
      body.byteLength === 0 ? undefined : JSON.parse(Buffer.from(body).toString("utf8")),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mesh?.[Symbol.asyncDispose]();
  }

  async #answer(call: IncomingCall): Promise<void> {
    if (call.name === invokeCall && this.#placement) return this.#placement.answer(call);
    const handler = this.#handlers.get(call.name);
    try {
      if (!handler) throw new PlatformError("target.unknown", `no worker answers ${call.name}`);
      const answer = await handler(call.meta);
      call.reply(null, answer === undefined ? undefined : Buffer.from(JSON.stringify(answer)));
    } catch (error) {
      call.fail(error);
    }
  }
}
