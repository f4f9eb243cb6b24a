import type { Soon } from "#base/soon.ts";
import type { InvocationLog } from "#functions/pool/pool.ts";
import type { HttpAnswer, Invocation, InvocationResult, Outcome, Payload } from "./invoker.ts";

export const nothing = new Uint8Array();

/** A class for its getter: whoever takes an answer in the form of HTTP asks for no outcome, and most have one at once. */
export class Result implements InvocationResult {
  readonly payload: Payload;
  readonly http: HttpAnswer | undefined;
  readonly contentType: string | undefined;
  readonly executedVersion: string;
  readonly logTail: Promise<Uint8Array> | undefined;
  readonly #outcome: Soon<Outcome>;

  constructor(
    invocation: Invocation,
    ended: {
      readonly payload: Payload;
      readonly http?: HttpAnswer | undefined;
      readonly contentType?: string | undefined;
      readonly log: InvocationLog;
      readonly outcome: Soon<Outcome>;
    },
  ) {
    this.payload = ended.payload;
    this.http = ended.http;
    this.contentType = ended.contentType;
    this.executedVersion = invocation.target.revision.version;
    this.#outcome = ended.outcome;
    this.logTail =
      invocation.tailLog === true ? this.outcome.then(() => ended.log.tail()) : undefined;
  }

  get outcome(): Promise<Outcome> {
    return Promise.resolve(this.#outcome);
  }
}
