import type { Principal, RequestContext, TraceContext } from "#base/context.ts";
import type { Service } from "#protocol/service/service.ts";
import type { WireRequest, WireResponse } from "#protocol/wire/wire.ts";

/** What the listener knows about a request before anything is interpreted. */
export interface Arrival {
  readonly request: WireRequest;
  /** UUID made by the listener. */
  readonly requestId: string;
  /** Scheme, host and port the caller used. */
  readonly endpoint: string;
  readonly trace: TraceContext;
  /** Fires when the caller hangs up; asked for only by what waits, because a signal is made by asking. */
  readonly caller: { readonly signal: AbortSignal };
  /** Set when it came out of a sandbox: credentials are still checked, the trace cannot be forged. */
  readonly fromGuest: boolean;
  /**
   * What the host name has in front of a name this server is known by: `bucket.s3` of
   * `bucket.s3.localhost`. Undefined when it was asked for by its own name.
   */
  readonly below?: string | undefined;
}

/** The AWS front: finds service and operation, authenticates, decodes, runs, encodes. */
export interface Dispatcher {
  /** Undefined when nothing about the request names one of our services (not an AWS call). */
  dispatch(arrival: Arrival): Promise<WireResponse | undefined>;
  /**
   * The bucket that a request would be about: only where it would reach the service whose resources
   * have host names.
   */
  resourceOf(arrival: Arrival): Promise<string | undefined>;
}

/**
 * The same operations from inside, without bytes: authorised, validated and traced like a call over
 * the wire. `service` is the folder name (`lambda`, `cloudwatch-logs`).
 */
export interface Operations {
  call(service: string, operation: string, input: object, context: RequestContext): Promise<object>;
}

/** Loads a service's table on first use, so that starting costs nothing for what is not used. */
export interface ServiceLoader {
  /** Folder name. */
  readonly name: string;
  readonly signingName: string;
  readonly endpointPrefix: string;
  readonly targetPrefix?: string;
  /** Its resources have host names of their own, which stand for the first segment of the path: S3's buckets. */
  readonly hasVirtualHosts?: boolean;
  load(): Promise<Service>;
}

/** The account whose root may do anything; what open mode assumes. */
export function rootPrincipal(accountId: string): Principal {
  return { arn: `arn:aws:iam::${accountId}:root`, accountId };
}
