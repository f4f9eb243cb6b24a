/** Who makes a request; already authenticated. Anonymous is a principal too. */
export interface Principal {
  /** `arn:aws:iam::<account>:root`, a user, or `arn:aws:sts::<account>:assumed-role/<role>/<session>`. */
  readonly arn: string;
  /** Twelve digits. */
  readonly accountId: string;
}

/** Where a span hangs in its trace; travels with every request, message, record and event. */
export interface TraceContext {
  /** X-Ray form: `1-<8 hex seconds>-<24 hex>`. */
  readonly traceId: string;
  /** 16 hex digits: the span that whatever happens next is a child of; undefined at the root. */
  readonly spanId: string | undefined;
  readonly sampled: boolean;
  /** Function invocations already made in this chain; the platform stops a chain at 16. */
  readonly hops: number;
}

/** Structured events, not sentences: `environment.started` with fields that carry their units. */
export interface Logger {
  event(name: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Whether an event of this level is written; all are where this is absent. For what would be gathered in vain. */
  writes?(level: "warn" | "info" | "debug"): boolean;
}

/** Everything about a request that is not its input. Immutable; `derive` makes another from it. */
export interface RequestContext {
  /** UUID; echoed to the caller and on every log line. */
  readonly requestId: string;
  readonly principal: Principal;
  readonly region: string;
  /** Epoch milliseconds; nobody waits for the answer after this. */
  readonly deadlineMs: number;
  /** Fires at the deadline or when the caller hangs up. */
  readonly signal: AbortSignal;
  readonly trace: TraceContext;
  /** Scheme, host and port under which the caller reached us, e.g. `http://localhost:4566`; for URLs we hand out. */
  readonly endpoint: string;
  readonly log: Logger;
}

/** The same request with some things changed. Not a spread: a context may make its signal only when it is asked for. */
export function derive(context: RequestContext, changes: Partial<RequestContext>): RequestContext {
  return { ...context, signal: context.signal, ...changes };
}
