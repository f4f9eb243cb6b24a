import { unreachable } from "#base/assert.ts";
import { extensionsMax } from "../limits.ts";

/**
 * What extensions may do when, as a pure state machine over all of one environment. States, refusals
 * and error types follow the public source of AWS's runtime interface emulator
 * (aws-lambda-runtime-interface-emulator, internal/lambda/core and internal/lambda/rapi/handler) and
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
 */
export interface ExtensionsState {
  readonly extensions: readonly Extension[];
  /** Until the runtime asks for its first event. */
  readonly isRegistrationOpen: boolean;
  readonly isShuttingDown: boolean;
  /** The first thing that broke for good; what follows from it is not told. */
  readonly failure: ExtensionFailure | undefined;
}

export interface Extension {
  /** Given at registration. */
  readonly id: string | undefined;
  /** File name of an external one; what an internal one calls itself. */
  readonly name: string;
  readonly isExternal: boolean;
  readonly events: readonly ExtensionEventType[];
  readonly state: ExtensionStateName;
  /** What it or its launch reported. */
  readonly errorType: string | undefined;
}

export type ExtensionEventType = "INVOKE" | "SHUTDOWN";

/** As the service names them in `platform.extension` and in its refusals. */
export type ExtensionStateName =
  | "Started"
  | "Registered"
  | "Ready"
  | "Running"
  | "InitError"
  | "ExitError"
  | "Exited"
  | "ShutdownFailed"
  | "LaunchError";

export interface ExtensionFailure {
  readonly name: string;
  readonly errorType:
    | "Extension.Crash"
    | "Extension.InitError"
    | "Extension.ExitError"
    | "Extension.LaunchError";
  readonly reason: string;
}

export type ExtensionsEvent =
  | { readonly kind: "launched"; readonly names: readonly string[] }
  | { readonly kind: "launch-failed"; readonly name: string; readonly reason: string }
  | {
      readonly kind: "register";
      readonly id: string;
      readonly name: string;
      readonly events: readonly string[];
    }
  | { readonly kind: "next"; readonly id: string }
  | { readonly kind: "init-error" | "exit-error"; readonly id: string; readonly errorType: string }
  /** The process of an external one is gone; `status` as in `exit status 1`, undefined for 0. */
  | { readonly kind: "exited"; readonly name: string; readonly status: string | undefined }
  | { readonly kind: "runtime-ready" }
  | { readonly kind: "invoke" }
  | { readonly kind: "shutdown" };

export type Decision =
  | {
      readonly accepted: true;
      readonly state: ExtensionsState;
      /** Ids whose hanging question is to be answered now with the event. */
      readonly deliver: readonly string[];
    }
  | { readonly accepted: false; readonly refusal: ExtensionRefusal };

export interface ExtensionRefusal {
  readonly errorType: string;
  readonly errorMessage: string;
}

export const initialExtensions: ExtensionsState = {
  extensions: [],
  isRegistrationOpen: true,
  isShuttingDown: false,
  failure: undefined,
};

export function decide(state: ExtensionsState, event: ExtensionsEvent): Decision {
  switch (event.kind) {
    case "launched":
      return launched(state, event.names);
    case "launch-failed":
      return accept(
        failed(change(state, event.name, { state: "LaunchError", errorType: event.reason }), {
          name: event.name,
          errorType: "Extension.LaunchError",
          reason: event.reason,
        }),
      );
    case "register":
      return register(state, event);
    case "next":
      return next(state, event.id);
    case "init-error":
    case "exit-error":
      return report(state, event);
    case "exited":
      return exited(state, event);
    case "runtime-ready":
      return accept({ ...state, isRegistrationOpen: false });
    case "invoke":
      return wake(state, "INVOKE");
    case "shutdown":
      return wake({ ...state, isShuttingDown: true, isRegistrationOpen: false }, "SHUTDOWN");
    default:
      return unreachable(event);
  }
}

/** All external ones have registered: the runtime may start. */
export function areRegistered(state: ExtensionsState): boolean {
  return state.extensions.every((extension) => extension.state !== "Started");
}

/** All have asked for their next event: init or an invocation is over for them. */
export function areReady(state: ExtensionsState): boolean {
  return state.extensions.every((extension) => extension.state === "Ready");
}

/** External ones whose processes still run. */
export function alive(state: ExtensionsState): readonly Extension[] {
  const gone: readonly ExtensionStateName[] = ["Exited", "ShutdownFailed", "LaunchError"];
  return state.extensions.filter((each) => each.isExternal && !gone.includes(each.state));
}

export function findExtension(state: ExtensionsState, id: string): Extension | undefined {
  return state.extensions.find((extension) => extension.id === id);
}

function launched(state: ExtensionsState, names: readonly string[]): Decision {
  const started = names.map((name): Extension => ({
    id: undefined,
    name,
    isExternal: true,
    events: [],
    state: "Started",
    errorType: undefined,
  }));
  return accept({ ...state, extensions: [...state.extensions, ...started] });
}

function register(
  state: ExtensionsState,
  event: Extract<ExtensionsEvent, { readonly kind: "register" }>,
): Decision {
  const { id, name } = event;
  if (name === "") return refuse("Extension.InvalidExtensionName", "Empty extension name");
  const external = state.extensions.find((each) => each.isExternal && each.name === name);
  const wrong = event.events.find((type) => !isAllowed(type, external !== undefined));
  if (wrong !== undefined) {
    const why = wrong === "SHUTDOWN" ? "event not supported for internal extensions" : "unknown";
    return refuse("Extension.InvalidEventType", `${wrong}: ${why}`);
  }
  const events = [...new Set(event.events)] as ExtensionEventType[]; // looked at above
  if (external) {
    if (external.state !== "Started") return refuseTransition(external, "Registered", name);
    return accept(change(state, name, { id, events, state: "Registered" }));
  }
  if (!state.isRegistrationOpen) {
    return refuse("Extension.RegistrationClosed", "Extension registration closed already");
  }
  if (state.extensions.some((each) => each.name === name)) {
    return refuse("Extension.InvalidExtensionState", "Extension with this name already registered");
  }
  if (state.extensions.length >= extensionsMax) {
    return refuse("Extension.TooManyExtensions", `Extension limit (${extensionsMax}) reached`);
  }
  const internal: Extension = {
    id,
    name,
    events,
    isExternal: false,
    state: "Registered",
    errorType: undefined,
  };
  return accept({ ...state, extensions: [...state.extensions, internal] });
}

function isAllowed(type: string, isExternal: boolean): type is ExtensionEventType {
  return type === "INVOKE" || (type === "SHUTDOWN" && isExternal);
}

function next(state: ExtensionsState, id: string): Decision {
  const extension = findExtension(state, id);
  if (!extension) return unknown(id);
  const may: readonly ExtensionStateName[] = ["Registered", "Ready", "Running"];
  if (!may.includes(extension.state)) return refuseTransition(extension, "Ready", id);
  const ready = change(state, extension.name, { state: "Ready" });
  // Late for the event: it was at work when the end was announced.
  const isDue = state.isShuttingDown && extension.events.includes("SHUTDOWN");
  if (!isDue) return accept(ready);
  return accept(change(state, extension.name, { state: "Running" }), [id]);
}

function report(
  state: ExtensionsState,
  event: Extract<ExtensionsEvent, { readonly kind: "init-error" | "exit-error" }>,
): Decision {
  const extension = findExtension(state, event.id);
  if (!extension) return unknown(event.id);
  const isInit = event.kind === "init-error";
  const wanted = isInit ? "InitError" : "ExitError";
  if (extension.state === wanted) return accept(state); // only the first report counts
  const may: readonly ExtensionStateName[] = isInit
    ? ["Registered"]
    : ["Registered", "Ready", "Running"];
  if (!may.includes(extension.state)) return refuseTransition(extension, wanted, event.id);
  const { errorType } = event;
  const changed = change(state, extension.name, { state: wanted, errorType });
  return accept(
    failed(changed, {
      name: extension.name,
      errorType: isInit ? "Extension.InitError" : "Extension.ExitError",
      reason: errorType,
    }),
  );
}

function exited(
  state: ExtensionsState,
  event: Extract<ExtensionsEvent, { readonly kind: "exited" }>,
): Decision {
  const { name, status } = event;
  const isGraceful = state.isShuttingDown && status === undefined;
  const changed = change(state, name, {
    state: state.isShuttingDown && !isGraceful ? "ShutdownFailed" : "Exited",
  });
  if (state.isShuttingDown) return accept(changed);
  // An extension may not end before its environment, not even well.
  const reason = status ?? "exit code 0";
  return accept(failed(changed, { name, errorType: "Extension.Crash", reason }));
}

/** An event for those that wait for it; who does not want it keeps waiting. */
function wake(state: ExtensionsState, type: ExtensionEventType): Decision {
  const woken = state.extensions.filter(
    (each) => each.state === "Ready" && each.events.includes(type),
  );
  const deliver = woken.flatMap((each) => each.id ?? []);
  const extensions = state.extensions.map((each) =>
    woken.includes(each) ? { ...each, state: "Running" as const } : each,
  );
  return accept({ ...state, extensions }, deliver);
}

function change(
  state: ExtensionsState,
  name: string,
  changes: Partial<Extension>,
): ExtensionsState {
  const extensions = state.extensions.map((each) =>
    each.name === name ? { ...each, ...changes } : each,
  );
  return { ...state, extensions };
}

function failed(state: ExtensionsState, failure: ExtensionFailure): ExtensionsState {
  return { ...state, failure: state.failure ?? failure };
}

function accept(state: ExtensionsState, deliver: readonly string[] = []): Decision {
  return { accepted: true, state, deliver };
}

function refuse(errorType: string, errorMessage: string): Decision {
  return { accepted: false, refusal: { errorType, errorMessage } };
}

function unknown(id: string): Decision {
  return refuse("Extension.UnknownExtensionIdentifier", `Unknown extension ${id}`);
}

function refuseTransition(extension: Extension, to: ExtensionStateName, who: string): Decision {
  return refuse(
    "Extension.InvalidExtensionState",
    `State transition from ${extension.state} to ${to} failed for extension ${who}. Error: State transition is not allowed`,
  );
}
