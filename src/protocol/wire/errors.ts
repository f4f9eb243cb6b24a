import { AssertionFailure } from "#base/assert.ts";
import { isPlatformError } from "#base/errors.ts";
import type { WireError } from "./wire.ts";
import { exceptionShape } from "./shapes.ts";

/** The bytes are not what the protocol or the model says they must be; always the caller's fault. */
export class SerializationError extends Error {
  override readonly name = "SerializationError";
  /** Where it was found; only what has a place of its own says so. */
  readonly place: "path" | "query" | "header" | undefined;

  constructor(message: string, place?: "path" | "query" | "header") {
    super(message);
    this.place = place;
  }
}

/** The body is larger than this operation takes. */
export class RequestTooLargeError extends Error {
  override readonly name = "RequestTooLargeError";
  readonly limitBytes: number;

  /** Words of the real service: https://github.com/serverless/serverless/issues/10179 (seen 2026-11). */
  constructor(limitBytes: number, operationName: string) {
    super(`Request must be smaller than ${limitBytes} bytes for the ${operationName} operation`);
    this.limitBytes = limitBytes;
  }
}

/** Well-formed input that breaks a constraint of the model. */
export class ValidationError extends Error {
  override readonly name = "ValidationError";
  /** Members that must be there and are not, e.g. `functionName`, `tags.1.member.key`. */
  readonly missing: readonly string[];
  /** What the service itself calls this, when that is not `ValidationException`. */
  readonly code: string | undefined;

  constructor(missing: readonly string[], message = missingMessage(missing), code?: string) {
    super(message);
    this.missing = missing;
    this.code = code;
  }
}

/** The sentence of the services' common framework: https://github.com/pulumi/pulumi-aws/issues/2357 (seen 2026-11). */
function missingMessage(paths: readonly string[]): string {
  const count = `${paths.length} validation error${paths.length === 1 ? "" : "s"} detected: `;
  const sentences = paths.map(
    (path) => `Value null at '${path}' failed to satisfy constraint: Member must not be null`,
  );
  return count + sentences.join("; ");
}

/** Says nothing about the cause: what a bug or the disk did is for our log, not for the caller. */
const internalFailure: WireError = {
  name: "InternalFailure",
  message: "The request processing has failed because of an unknown error, exception or failure.",
  status: 500,
  fault: "server",
  modelled: undefined,
};

/**
 * Whatever a handler, a decoder or the authenticator threw, as an error that can be written. Never
 * throws. Modelled exceptions keep their members; bugs and unknown values become `InternalFailure`
 * without their message (logging them is the dispatcher's business).
 */
export function toWireError(error: unknown): WireError {
  if (typeof error !== "object" || error === null) return internalFailure;
  if (error instanceof SerializationError) {
    const error400 = clientError("SerializationException", error.message, 400);
    return error.place === undefined ? error400 : { ...error400, place: error.place };
  }
  if (error instanceof ValidationError) {
    return clientError(error.code ?? "ValidationException", error.message, 400);
  }
  if (error instanceof RequestTooLargeError) {
    return clientError("RequestEntityTooLargeException", error.message, 413);
  }
  if (error instanceof AssertionFailure) return internalFailure;
  if (isPlatformError(error)) return platformWireError(error.code, error.retryable, error.message);
  if (isAuthenticationError(error)) return clientError(error.code, error.message, error.status);
  return modelledWireError(error) ?? internalFailure;
}

function clientError(name: string, message: string, status: number): WireError {
  return { name, message, status, fault: "client", modelled: undefined };
}

/** A full disk and a full queue pass; AWS calls what may be tried again `ServiceUnavailable`, with 503. */
function platformWireError(code: string, isRetryable: boolean, message: string): WireError {
  if (code === "storage.full") {
    return serverError("ServiceUnavailableException", `Out of storage space: ${message}`, 507);
  }
  if (isRetryable) return serverError("ServiceUnavailableException", message, 503);
  return { ...internalFailure, message: `${internalFailure.message} (${code})` };
}

function serverError(name: string, message: string, status: number): WireError {
  return { name, message, status, fault: "server", modelled: undefined };
}

/** Told by its form, so that `auth` may import from here and not the other way round. */
function isAuthenticationError(
  error: object,
): error is { readonly code: string; readonly message: string; readonly status: number } {
  const { name, code, status } = error as { name?: unknown; code?: unknown; status?: unknown }; // each is checked below
  return name === "AuthenticationError" && typeof code === "string" && Number.isInteger(status);
}

function modelledWireError(error: object): WireError | undefined {
  const { name, message, $fault } = error as Partial<Record<string, unknown>>; // each is checked below
  if (typeof name !== "string" || ($fault !== "client" && $fault !== "server")) return undefined;
  const shape = exceptionShape(error);
  // The service's base class stands for the errors its model does not have; those go by their own name.
  const isBase = shape === undefined || shape.namespace.startsWith("smithy.ts.sdk.synthetic");
  return {
    name: isBase ? name : shape.name,
    message: messageOf(error) ?? (typeof message === "string" ? message : ""),
    status: shape?.traits.httpError ?? statusOf(error) ?? ($fault === "client" ? 400 : 500),
    fault: $fault,
    modelled: shape ? error : undefined,
    ...(isBase && { fields: fieldsOf(error), headers: headersOf(error) }),
  };
}

/** As a client finds them: an error without a shape has the fields of its body as properties of its own. */
function fieldsOf(error: object): Record<string, string> {
  const own = Object.entries(error).filter(
    ([name, value]) => /^[A-Z]/.test(name) && typeof value === "string",
  );
  return Object.fromEntries(own) as Record<string, string>; // only strings were kept
}

/** Headers of the answer, where a client finds them too: in the error's `$response`. */
function headersOf(error: object): Record<string, string> {
  const { $response } = error as { $response?: { headers?: Record<string, string> } }; // the form of ServiceException
  return $response?.headers ?? {};
}

/** What a handler says in `$metadata`, where the model says nothing. */
function statusOf(error: object): number | undefined {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: unknown } }; // checked below
  const status = $metadata?.httpStatusCode;
  return typeof status === "number" && status >= 400 && status <= 599 ? status : undefined;
}

/** Some models (Lambda's) spell the member with a capital, and its constructor sets only that one. */
function messageOf(error: object): string | undefined {
  const { message, Message } = error as { message?: unknown; Message?: unknown }; // each is checked below
  if (typeof message === "string" && message !== "") return message;
  return typeof Message === "string" ? Message : undefined;
}
