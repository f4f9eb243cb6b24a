import { derive, type RequestContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import type { Service } from "#protocol/service/service.ts";
import { checkRequired } from "#protocol/wire/required.ts";
import { operationShape } from "#protocol/wire/shapes.ts";
import type { ExchangeDeps } from "./exchange.ts";
import { accessDenied, refusalDialect } from "./failure.ts";

export interface InsideCall {
  /** Folder name. */
  readonly service: string;
  readonly operation: string;
  readonly input: object;
  readonly context: RequestContext;
}

/**
 * An operation called by the platform itself: authorised, validated and traced, without bytes.
 * Throws what the operation throws; `PlatformError` `target.unknown` when there is no such operation,
 * `ValidationError` when a required member is missing, `AuthenticationError` when it is not allowed.
 */
export async function callOperation(
  deps: Pick<ExchangeDeps, "authorizer" | "telemetry">,
  service: Service | undefined,
  call: InsideCall,
): Promise<object> {
  const operation = service?.operations.get(call.operation);
  if (!service || !operation) {
    throw new PlatformError(
      "target.unknown",
      `This server has no operation ${call.service} ${call.operation}; call one of its services' implemented operations.`,
    );
  }
  const { signingName, protocols } = service.description;
  using span = deps.telemetry.tracer.span(
    call.context.trace,
    `aws.${call.service}.${call.operation}`,
    { inside: true, requestId: call.context.requestId },
  );
  const context = derive(call.context, { trace: span.context });
  try {
    checkRequired(operationShape(operation.schema).input, call.input, service);
    const action = `${signingName}:${operation.name}`;
    const verdict = await deps.authorizer?.authorize({ action, resource: "*" }, context);
    if (verdict?.allowed === false) {
      throw accessDenied(refusalDialect(protocols[0] ?? "restJson1", signingName), {
        principalArn: context.principal.arn,
        action,
        reason: verdict.reason,
      });
    }
    return await operation.handle(call.input, context);
  } catch (error) {
    span.fail(error instanceof Error ? error.name : "unknown");
    throw error;
  }
}
