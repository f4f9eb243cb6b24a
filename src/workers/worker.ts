import { Socket } from "node:net";
import type { IncomingCall } from "./link/link.ts";
import { Link } from "./link/link.ts";
import { primaryDescriptor } from "./primary/process.ts";

/** What the primary asks a worker to do, in this order. Answers become JSON. */
export interface WorkerSteps {
  /** Opens its socket for later workers. */
  open(told: { readonly id: number; readonly folder: string; readonly settings: unknown }): unknown;
  /** Links up with the earlier ones and serves; answers with what the primary is to know. */
  start(earlierIds: readonly number[]): unknown;
  /** No new requests; those running get their time. Other workers are still served. */
  drain(): unknown;
  /** No new asynchronous events; those running get their time. */
  settle(): unknown;
  /** Ends everything. The process exits when this has been answered. */
  end(): unknown;
  receive(name: string, meta: unknown): void;
  /** The primary is gone without a word. */
  orphaned(): void;
}

/** The worker's end of the socket to its primary, whose steps it takes one after the other. */
export function connectToPrimary(makeSteps: (primary: Link) => WorkerSteps): void {
  const socket = new Socket({ fd: primaryDescriptor, readable: true, writable: true });
  const onCall = async (call: IncomingCall): Promise<void> => {
    try {
      call.reply((await take(call)) ?? null);
      if (call.name === "end") socket.end(() => process.exit());
    } catch (error) {
      call.fail(error);
    }
  };
  const take = (call: IncomingCall): unknown => {
    switch (call.name) {
      case "open":
        return steps.open(call.meta as Parameters<WorkerSteps["open"]>[0]); // by the primary
      case "start":
        return steps.start(call.meta as readonly number[]); // by the primary
      case "drain":
      case "settle":
      case "end":
        return steps[call.name]();
      default:
        throw new RangeError(`no step ${call.name}`);
    }
  };
  const link = new Link({
    socket,
    onCall: (call) => void onCall(call),
    onNote: (name, meta) => steps.receive(name, meta),
  });
  const steps = makeSteps(link);
  void link.closed.then(() => steps.orphaned());
}
