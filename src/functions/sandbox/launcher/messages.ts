import {
  bootMessagesMax,
  commandArgumentsMax,
  cpuMilliMax,
  environmentVariablesMax,
  listenersMax,
  memoryMiBMax,
  mountsMax,
  pathBytesMax,
  pidsCeiling,
} from "../limits.ts";
import type { CgroupHome } from "../drivers/bubblewrap/cgroup-home.ts";
import type { SystemTree } from "../drivers/bubblewrap/arguments.ts";
import type { Omissions } from "../drivers/bubblewrap/omissions.ts";

/**
 * All that the platform and the launcher say to each other. Numbers, opaque ids and paths the
 * platform chose; nothing a tenant wrote. Every message is checked here before it is used, on both
 * sides: the launcher may run as root, and what it forwards began inside a sandbox.
 */
export interface LauncherSettings {
  /** Own directory of this driver instance, on the file system of the unpacked code. */
  readonly directory: string;
  /** Host uids the launcher may use; undefined when it cannot change its own. */
  readonly uids:
    | { readonly first: number; readonly count: number; readonly start: number }
    | undefined;
  readonly system: SystemTree;
  readonly bubblewrap: string;
  /** Absent but in tests of the attacks. */
  readonly omissions?: Omissions;
  readonly cgroups: CgroupHome;
}

export interface CreateRequest {
  readonly type: "create";
  readonly id: string;
  readonly mounts: readonly { readonly source: string; readonly target: string }[];
  readonly links: readonly { readonly target: string; readonly path: string }[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMiB: number;
  readonly cpuMilli: number;
  readonly scratchMiB: number;
  readonly pidsMax: number;
  readonly listeners: readonly number[];
}

export type LauncherRequest =
  | CreateRequest
  | { readonly type: "kill"; readonly id: string }
  | {
      readonly type: "attach";
      readonly id: string;
      readonly request: number;
      readonly name: string;
      readonly source: string;
    };

/** What the host's control groups let the launcher do. */
export interface Capabilities {
  readonly memory: boolean;
  readonly cpu: boolean;
  readonly pids: boolean;
  readonly kill: boolean;
  readonly freeze: boolean;
  readonly ownUids: boolean;
}

export type LauncherReport =
  | { readonly type: "ready"; readonly capabilities: Capabilities }
  | { readonly type: "stream"; readonly id: string; readonly name: StreamName }
  | { readonly type: "listener"; readonly id: string; readonly port: number }
  | { readonly type: "booted"; readonly id: string }
  | { readonly type: "failed"; readonly id: string; readonly message: string }
  | {
      readonly type: "exit";
      readonly id: string;
      readonly code: number | null;
      readonly signal: string | null;
      readonly outOfMemory: boolean;
      readonly memoryPeakMiB: number;
    }
  | {
      readonly type: "answer";
      readonly request: number;
      readonly value: number;
      readonly error: string | null;
    };

export type StreamName = "stdout" | "stderr" | "channel";

/** What a boot program says on its IPC channel; anything else is ignored and counted. */
export type BootMessage =
  | { readonly kind: "listener"; readonly port: number; readonly actualPort: number }
  | { readonly kind: "booted" };

const idPattern = /^[0-9a-f]{8,64}$/;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  // Every field is checked before it is used; the cast only gives them a name.
  return value as Fields;
}

/** Undefined for anything but a well-formed request. */
export function parseRequest(value: unknown): LauncherRequest | undefined {
  const fields = fieldsOf(value);
  if (!fields || !isId(fields["id"])) return undefined;
  const known = isWellFormed(fields);
  // isWellFormed has looked at each field of the type named in `type`.
  return known ? (value as LauncherRequest) : undefined;
}

function isWellFormed(fields: Fields): boolean {
  switch (fields["type"]) {
    case "create":
      return isCreate(fields);
    case "kill":
      return true;
    case "attach":
      return (
        isCount(fields["request"], Number.MAX_SAFE_INTEGER) &&
        isSlotName(fields["name"]) &&
        isPath(fields["source"])
      );
    default:
      return false;
  }
}

function isCreate(fields: Fields): boolean {
  return (
    isList(fields["mounts"], mountsMax, (value) => {
      const mount = fieldsOf(value);
      return mount !== undefined && isPath(mount["source"]) && isPath(mount["target"]);
    }) &&
    isList(fields["links"], mountsMax, (value) => {
      const link = fieldsOf(value);
      return link !== undefined && isText(link["target"]) && isPath(link["path"]);
    }) &&
    isList(fields["command"], commandArgumentsMax, isText) &&
    isEnvironment(fields["environment"]) &&
    isPositive(fields["memoryMiB"], memoryMiBMax) &&
    isPositive(fields["cpuMilli"], cpuMilliMax) &&
    isPositive(fields["scratchMiB"], memoryMiBMax) &&
    isPositive(fields["pidsMax"], pidsCeiling) &&
    isList(fields["listeners"], listenersMax, isPort)
  );
}

function isEnvironment(value: unknown): boolean {
  const variables = fieldsOf(value);
  if (!variables) return false;
  const entries = Object.entries(variables);
  return (
    entries.length <= environmentVariablesMax &&
    entries.every(([name, text]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && isText(text))
  );
}

function isId(value: unknown): value is string {
  return typeof value === "string" && idPattern.test(value);
}

/** One path component: no separators, not hidden. */
export function isSlotName(value: unknown): value is string {
  return typeof value === "string" && namePattern.test(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length < 128 * 1024 && !value.includes("\0");
}

/** Absolute and without `.` or `..` or empty components. */
export function isPath(value: unknown): value is string {
  if (!isText(value) || Buffer.byteLength(value) >= pathBytesMax || !value.startsWith("/")) {
    return false;
  }
  if (value === "/") return true;
  return value
    .slice(1)
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== "..");
}

function isPort(value: unknown): value is number {
  return isPositive(value, 65_535);
}

function isPositive(value: unknown, max: number): value is number {
  return isCount(value, max) && value > 0;
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
}

function isList(value: unknown, max: number, check: (value: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= max && value.every(check);
}

/** Undefined for anything but a well-formed report. The launcher is ours, its death is not planned. */
export function parseReport(value: unknown): LauncherReport | undefined {
  const fields = fieldsOf(value);
  if (!fields) return undefined;
  const types = ["ready", "stream", "listener", "booted", "failed", "exit", "answer"];
  if (!types.includes(String(fields["type"]))) return undefined;
  if (fields["type"] !== "ready" && fields["type"] !== "answer" && !isId(fields["id"])) {
    return undefined;
  }
  // Written by `launcher.ts` from the same types; the checks above catch a mixed-up channel.
  return value as LauncherReport;
}

/** Reads one boot message; `count` is how many came before it. */
export function parseBootMessage(value: unknown, count: number): BootMessage | undefined {
  const fields = fieldsOf(value);
  if (!fields || count >= bootMessagesMax) return undefined;
  const { listener, port, booted } = fields;
  if (booted === true) return { kind: "booted" };
  if (!isPort(listener)) return undefined;
  return { kind: "listener", port: listener, actualPort: isPort(port) ? port : listener };
}
