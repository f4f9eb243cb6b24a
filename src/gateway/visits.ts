import type { IncomingMessage, ServerResponse } from "node:http";
import type { TraceContext } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import type { Soon } from "#base/soon.ts";
import { type GuestIdentity, traceAmong } from "#functions/pool/pool.ts";
import { parseTraceHeader, traceHeaderName } from "#telemetry/trace-header.ts";
import type { Answer } from "./answer.ts";
import { ArrivingBytes, type OwnBytes } from "./arriving-bytes.ts";
import { jsonAnswer } from "./answer.ts";
import { FunctionUrlEvents, RequestTime } from "./function-url-event.ts";
import type { GatewayDeps } from "./gateway.ts";
import { HostBook } from "./hosts.ts";
import { IncomingReader } from "./incoming.ts";
import { arrivingBytesMax, unreadBytesMax } from "./limits.ts";
import { ResponseHeads } from "./response-heads.ts";
import { callersOf, refuse, routeGuest, routeOutside } from "./routing.ts";
import type { Facts, Routed } from "./routing.ts";
import { sendAnswer } from "./send.ts";
import { UnreadAnswers } from "./unread-answers.ts";

/** A request on its way through the gateway. */
interface Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  /** Set when the connection came out of a sandbox. */
  readonly guest: (() => GuestIdentity | undefined) | undefined;
  /** Called once, when the answer has been written or the connection is gone. */
  readonly done: () => void;
}

export interface Visits {
  /** Never rejects. */
  handle(exchange: Exchange): Promise<void>;
}

/**
 * Decides what a request is: an AWS call, a function URL, or a page of the platform; refuses what a
 * web page or a foreign name must not reach. Every answer carries a request id and is logged.
 */
export function createVisits(deps: GatewayDeps): Visits {
  const { clock } = deps;
  const { log, tracer } = deps.telemetry;
  const arriving = new ArrivingBytes(deps.bounds?.arrivingBytesMax ?? arrivingBytesMax);
  const unread = new UnreadAnswers(deps.bounds?.unreadBytesMax ?? unreadBytesMax);
  const heads = new ResponseHeads();
  const functionUrls = {
    ...deps,
    ...deps.functions,
    heads,
    time: new RequestTime(),
    events: new FunctionUrlEvents(),
  };
  const callers = callersOf(deps.config);
  const reader = new IncomingReader(new HostBook(callers));
  const outside = { ...deps, callers, functionUrls };
  const sending = { clock, unread, heads };

  async function handle(exchange: Exchange): Promise<void> {
    const startMs = clock.monotonicMs();
    const trace = traceOf(exchange) ?? tracer.newTrace();
    const facts = new VisitFacts(uuid(deps.random), trace, exchange.response);
    const body = arriving.open();
    let kind: Routed["kind"] = "failed";
    let answer = failed;
    try {
      const found = route(exchange, facts, body);
      const routed = found instanceof Promise ? await found : found;
      answer = routed.answer instanceof Promise ? await routed.answer : routed.answer;
      ({ kind } = routed);
    } catch (error) {
      log.event("http.failed", { level: "error", error, requestId: facts.requestId });
    }
    try {
      const sent = sendAnswer(exchange, { answer, facts }, sending);
      const outcome = sent instanceof Promise ? await sent : sent;
      const isTold = kind === "aws" && outcome === "sent"; // by the dispatcher
      if (!isTold && log.writes?.("info") !== false)
        log.event("http.request", {
          kind,
          method: exchange.message.method,
          status: answer.status,
          outcome,
          durationMs: Math.round((clock.monotonicMs() - startMs) * 1_000) / 1_000,
          ...identityOf(exchange, facts),
        });
    } catch (error) {
      log.event("http.failed", { level: "error", error, requestId: facts.requestId });
      exchange.response.destroy();
    }
    body.release();
    exchange.done();
  }

  function route(exchange: Exchange, facts: VisitFacts, body: OwnBytes): Soon<Routed> {
    const incoming = reader.read(exchange.message, body);
    if (typeof incoming === "string") return refuse(400, incoming, { connection: "close" });
    const arrived = { incoming, facts };
    if (exchange.guest) return routeGuest(deps, arrived, exchange.guest());
    return routeOutside(outside, arrived);
  }

  return { handle };
}

function identityOf({ message }: Exchange, facts: Facts) {
  return {
    requestId: facts.requestId,
    traceId: facts.trace.traceId,
    remoteAddress: message.socket.remoteAddress,
  };
}

const failed: Answer = jsonAnswer(500, { message: "Internal Server Error" });

/** A caller's own trace is continued, its hop count never believed; a sandbox's is the platform's. */
function traceOf({ message, guest }: Exchange): TraceContext | undefined {
  const header = message.headers[traceHeaderName];
  if (guest) return traceOfGuest(guest(), header);
  return header === undefined ? undefined : parseTraceHeader(String(header));
}

/** Where several invocations run, a request may say whose it is. */
function traceOfGuest(
  identity: GuestIdentity | undefined,
  header: string | string[] | undefined,
): TraceContext | undefined {
  if (!identity?.running) return identity?.trace;
  const named = parseTraceHeader(String(header ?? ""));
  return traceAmong(identity.running, named?.traceId) ?? identity.trace;
}

/** Most requests are over before anybody asks for a signal, which takes longer to make than all the rest. */
class VisitFacts implements Facts {
  readonly requestId: string;
  readonly trace: TraceContext;
  readonly #response: ServerResponse;
  #hungUp: AbortController | undefined;

  constructor(requestId: string, trace: TraceContext, response: ServerResponse) {
    this.requestId = requestId;
    this.trace = trace;
    this.#response = response;
  }

  get isHungUp(): boolean {
    return this.#response.closed && !this.#response.writableFinished;
  }

  get signal(): AbortSignal {
    if (this.#hungUp) return this.#hungUp.signal;
    const hungUp = new AbortController();
    this.#hungUp = hungUp;
    const tell = (): void => {
      if (this.isHungUp) hungUp.abort(new Error("The caller hung up."));
    };
    this.#response.once("close", tell);
    tell();
    return hungUp.signal;
  }
}
