import { unreachable } from "#base/assert.ts";

/**
 * What a custom runtime may do when, as a pure state machine. States and refusals follow the public
 * source of AWS's runtime interface emulator (aws-lambda-runtime-interface-emulator, internal/lambda/core
 * and internal/lambda/rapi).
 */
export type ApiState =
  /** The bootstrap runs and has not asked for work yet. */
  | { readonly name: "starting" }
  /** It has asked; a request of it hangs. */
  | { readonly name: "ready" }
  /** It works on this request. */
  | { readonly name: "invoking"; readonly requestId: string }
  /** It is sending the answer to this request. */
  | { readonly name: "answering"; readonly requestId: string }
  /** The answer has been taken; nothing is asked for yet. */
  | { readonly name: "answered"; readonly requestId: string }
  /** It reported that it could not start. */
  | { readonly name: "init-failed" };

export type ApiEvent =
  | { readonly kind: "next" }
  | { readonly kind: "dispatch"; readonly requestId: string }
  | { readonly kind: "response" | "error"; readonly requestId: string }
  | { readonly kind: "taken" }
  | { readonly kind: "init-error" };

export type Decision =
  | { readonly accepted: true; readonly state: ApiState }
  | { readonly accepted: false; readonly refusal: Refusal };

export interface Refusal {
  readonly status: 400 | 403;
  readonly errorType: "InvalidRequestID" | "InvalidStateTransition";
  readonly errorMessage: string;
}

export function decide(state: ApiState, event: ApiEvent): Decision {
  switch (event.kind) {
    case "next":
      // Asking again while a request hangs replaces it: a client that gave up waiting may retry.
      if (state.name === "starting" || state.name === "ready" || state.name === "answered") {
        return accept({ name: "ready" });
      }
      return refuseTransition(state, "Ready");
    case "dispatch":
      if (state.name !== "ready") return refuseTransition(state, "Running");
      return accept({ name: "invoking", requestId: event.requestId });
    case "response":
    case "error":
      if (!("requestId" in state) || state.requestId !== event.requestId) return invalidRequestId;
      if (state.name !== "invoking") return invalidRequestId;
      return accept({ name: "answering", requestId: event.requestId });
    case "taken":
      if (state.name !== "answering") return refuseTransition(state, "ResponseSent");
      return accept({ name: "answered", requestId: state.requestId });
    case "init-error":
      if (state.name !== "starting") return refuseTransition(state, "InitError");
      return accept({ name: "init-failed" });
    default:
      return unreachable(event);
  }
}

const invalidRequestId: Decision = {
  accepted: false,
  refusal: { status: 400, errorType: "InvalidRequestID", errorMessage: "Invalid request ID" },
};

function accept(state: ApiState): Decision {
  return { accepted: true, state };
}

function refuseTransition(state: ApiState, wanted: string): Decision {
  const from = stateNames[state.name];
  return {
    accepted: false,
    refusal: {
      status: 403,
      errorType: "InvalidStateTransition",
      errorMessage: `Transition from ${from} to ${wanted} is not allowed for runtime`,
    },
  };
}

const stateNames: Readonly<Record<ApiState["name"], string>> = {
  starting: "Started",
  ready: "Ready",
  invoking: "Running",
  answering: "InvocationResponse",
  answered: "ResponseSent",
  "init-failed": "InitError",
};
