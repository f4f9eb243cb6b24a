import type { IncomingMessage, ServerResponse } from "node:http";
import type { TraceContext } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import { type GuestIdentity, traceAmong } from "#functions/pool/pool.ts";
import { formatTraceHeader, parseTraceHeader, traceHeaderName } from "#telemetry/trace-header.ts";
import type { Answer } from "./answer.ts";
import { ArrivingBytes } from "./arriving-bytes.ts";
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
}

export interface Visits {
  /** Never rejects; the answer has been written, or the connection is gone, when it resolves. */
  handle(exchange: Exchange): Promise<void>;
}

/**
 * Decides what a request is: an AWS call, a function URL, or a page of the platform; refuses what a
 * web page or a foreign name must not reach. Every answer carries a request id and is logged.
 */
export function createVisits(deps: GatewayDeps): Visits {
  const arriving = new ArrivingBytes(deps.bounds?.arrivingBytesMax ?? arrivingBytesMax);
  const unread = new UnreadAnswers(deps.bounds?.unreadBytesMax ?? unreadBytesMax);
  const functionUrls = {
    ...deps,
    ...deps.functions,
    heads: new ResponseHeads(),
    time: new RequestTime(),
    events: new FunctionUrlEvents(),
  };
  const callers = callersOf(deps.config);
  const reader = new IncomingReader(new HostBook(callers));
  const outside = { ...deps, callers, functionUrls };
  async function handle(exchange: Exchange): Promise<void> {
    const startMs = deps.clock.monotonicMs();
    const requestId = uuid(deps.random);
    const facts = new VisitFacts(requestId, traceOf(exchange), exchange.response);
    let routed: Routed;
    using body = arriving.open();
    try {
      const incoming = reader.read(exchange.message, body.add);
      if (typeof incoming === "string") routed = refuse(400, incoming, { connection: "close" });
      else if (exchange.guest) {
        routed = await routeGuest(deps, { incoming, facts }, exchange.guest());
      } else routed = await routeOutside(outside, { incoming, facts });
    } catch (error) {
      deps.telemetry.log.event("http.failed", { level: "error", error, requestId });
      routed = { kind: "failed", answer: jsonAnswer(500, { message: "Internal Server Error" }) };
    }
    const answer = withIds(routed.answer, facts);
    const outcome = await sendAnswer(exchange, answer, { clock: deps.clock, unread });
    if (routed.kind === "aws" && outcome === "sent") return;
    deps.telemetry.log.event("http.request", {
      kind: routed.kind,
      method: exchange.message.method,
      status: routed.answer.status,
      outcome,
      durationMs: Math.round((deps.clock.monotonicMs() - startMs) * 1_000) / 1_000,
      requestId,
      traceId: facts.trace.traceId,
      remoteAddress: exchange.message.socket.remoteAddress,
    });
  }

  /** A caller's own trace is continued, its hop count never believed; a sandbox's is the platform's. */
  function traceOf({ message, guest }: Exchange): TraceContext {
    const header = message.headers[traceHeaderName];
    const claimed = guest ? traceOfGuest(guest(), header) : parseTraceHeader(String(header ?? ""));
    return claimed ?? deps.telemetry.tracer.newTrace();
  }

  return { handle };
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

function withIds(answer: Answer, facts: Facts): Answer {
  const { headers } = answer;
  const hasId = "x-amzn-requestid" in headers || "x-amz-request-id" in headers;
  return {
    ...answer,
    headers: {
      ...headers,
      ...(!hasId && { "x-amzn-requestid": facts.requestId }),
      [traceHeaderName]: formatTraceHeader({ ...facts.trace, spanId: undefined, hops: 0 }),
    },
  };
}
