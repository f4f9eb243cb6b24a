import type { Logger, RequestContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import type {
  HttpAnswer,
  Invocation,
  InvocationResult,
  Outcome,
} from "#functions/invoker/invoker.ts";
import type { FunctionReference, FunctionResolver } from "#functions/registry/registry.ts";
import type { IncomingCall, Link, Message } from "../link/link.ts";

/** The name under which one worker calls another to run a function. */
export const invokeCall = "invoke";

/** What crosses beside the payload. The revision does not: the owner resolves the name itself. */
interface Asked {
  readonly reference: FunctionReference;
  readonly context: Omit<RequestContext, "signal" | "log">;
  readonly clientContext?: string | undefined;
  readonly streaming?: boolean | undefined;
  readonly wantsHttp?: boolean | undefined;
  readonly tailLog?: boolean | undefined;
}

interface Answered {
  readonly contentType: string | undefined;
  readonly executedVersion: string;
  /** The bytes are an HTTP answer: so many of its head, then its body. */
  readonly http?: { readonly headBytes: number; readonly isBase64: boolean };
}

/** Runs an invocation in the process at the other end; answers and rejects as an invoker does. */
export async function invokeThrough(link: Link, invocation: Invocation): Promise<InvocationResult> {
  const { target, payload, context, clientContext, streaming, wantsHttp, tailLog } = invocation;
  const { accountId, region, name } = target.revision;
  const { signal, log: _log, ...told } = context;
  const asked: Asked = {
    reference: { accountId, region, name, qualifier: target.qualifier },
    context: told,
    clientContext,
    streaming,
    wantsHttp,
    tailLog,
  };
  const reply = await link.call(invokeCall, { meta: asked, body: payload, signal });
  const { contentType, executedVersion, http } = reply.meta as Answered; // written by `answerInvocation`
  const settled = reply.settled ?? Promise.resolve(reply);
  return {
    ...(http
      ? { payload: nothing, http: httpOf(reply.body, http) }
      : { payload: reply.stream ?? reply.body }),
    contentType,
    executedVersion,
    outcome: settled.then(outcomeOf, () => lostOutcome),
    logTail: tailLog === true ? settled.then(bodyOf, () => new Uint8Array()) : undefined,
  };
}

const nothing = new Uint8Array();

function httpOf(bytes: Uint8Array, http: NonNullable<Answered["http"]>): HttpAnswer {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { headBytes, isBase64 } = http;
  return { head: whole.subarray(0, headBytes), body: whole.subarray(headBytes), isBase64 };
}

/** The process ended, and its sandboxes with it. How long the function had run is not known any more. */
const lostOutcome: Outcome = { kind: "crash", exitCode: undefined, durationMs: 0 };

function outcomeOf(message: Message): Outcome {
  return message.meta as Outcome; // written by `answerInvocation`
}

function bodyOf(message: Message): Uint8Array {
  return message.body;
}

/** The other end: runs here what another process was asked for. Never rejects. */
export async function answerInvocation(
  deps: {
    readonly resolver: FunctionResolver;
    readonly here: (invocation: Invocation) => Promise<InvocationResult>;
    readonly log: Logger;
  },
  call: IncomingCall,
): Promise<void> {
  try {
    const { reference, context, clientContext, streaming, wantsHttp, tailLog } = call.meta as Asked; // by `invokeThrough`
    const target = await deps.resolver.resolve(reference, reference);
    if (!target)
      throw new PlatformError("target.unknown", `the function ${reference.name} has been deleted`);
    const result = await deps.here({
      target,
      payload: call.body,
      context: { ...context, signal: call.signal, log: deps.log },
      ...(clientContext !== undefined && { clientContext }),
      ...(streaming !== undefined && { streaming }),
      ...(wantsHttp !== undefined && { wantsHttp }),
      ...(tailLog !== undefined && { tailLog }),
    });
    const { contentType, executedVersion, http } = result;
    if (http) {
      const { head, body, isBase64 } = http;
      const told: Answered = {
        contentType,
        executedVersion,
        http: { headBytes: head.byteLength, isBase64 },
      };
      await call.begin(told, [head, body]);
    } else {
      const told: Answered = { contentType, executedVersion };
      await call.begin(told, result.payload);
    }
    const outcome = await result.outcome;
    call.settle(outcome, await result.logTail);
  } catch (error) {
    call.fail(error);
  }
}
