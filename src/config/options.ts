/**
 * Every setting once: its flag, its environment variable, its key in the configuration file, how it
 * is read and what it means. `--help`, the reference page and the parser are all made from this.
 */
export interface Option {
  /** The flag without its dashes; also the key in the file. The variable is `SKERRY_` + upper case. */
  readonly flag: string;
  readonly kind: "text" | "count" | "list" | "path" | "choice" | "url";
  readonly choices?: readonly string[];
  /** Inclusive range of a count. */
  readonly range?: readonly [number, number];
  /** A count may also be `auto`: as many as this machine has cores, within the range. */
  readonly hasAuto?: true;
  /** Shown by `--help`; undefined means "unset". */
  readonly fallback: string | undefined;
  readonly meaning: string;
}

export const options = {
  host: {
    flag: "host",
    kind: "text",
    fallback: "127.0.0.1",
    meaning: "address to listen on",
  },
  port: {
    flag: "port",
    kind: "count",
    range: [0, 65_535],
    fallback: "4566",
    meaning: "port for every service; 0 picks a free one",
  },
  workers: {
    flag: "workers",
    kind: "count",
    // More than cores only costs memory, and every worker has a link to every other.
    range: [1, 64],
    hasAuto: true,
    fallback: "1",
    meaning: "processes that share the work, or auto for one per core",
  },
  dataDir: {
    flag: "data",
    kind: "path",
    fallback: ".skerry",
    meaning: "folder for everything that must survive a restart",
  },
  storage: {
    flag: "storage",
    kind: "choice",
    choices: ["lmdb", "memory"],
    fallback: "lmdb",
    meaning: "where state lives; memory forgets it at exit",
  },
  sandbox: {
    flag: "sandbox",
    kind: "choice",
    choices: ["bubblewrap", "process"],
    fallback: "bubblewrap",
    meaning: "how functions are isolated; process is not isolation",
  },
  defaultAccountId: {
    flag: "account",
    kind: "text",
    fallback: "000000000000",
    meaning: "account of callers whose credentials name none",
  },
  defaultRegion: {
    flag: "region",
    kind: "text",
    fallback: "us-east-1",
    meaning: "region of requests whose signature names none",
  },
  allowedHosts: {
    flag: "allowed-hosts",
    kind: "list",
    fallback: "",
    meaning: "further host names to answer to",
  },
  allowedOrigins: {
    flag: "allowed-origins",
    kind: "list",
    fallback: "",
    meaning: "web origins that may call the API from a browser",
  },
  connectionsMax: {
    flag: "max-connections",
    kind: "count",
    range: [1, 1_000_000],
    fallback: "4096",
    meaning: "connections from outside; idle and slow ones give way to new ones",
  },
  connectionsPerAddressMax: {
    flag: "max-connections-per-address",
    kind: "count",
    range: [1, 1_000_000],
    fallback: "1024",
    meaning: "connections of one address; raise it behind a proxy",
  },
  otlpEndpoint: {
    flag: "otlp-endpoint",
    kind: "url",
    fallback: undefined,
    meaning: "OpenTelemetry collector (OTLP over HTTP) that receives the traces",
  },
  logLevel: {
    flag: "log-level",
    kind: "choice",
    choices: ["error", "warn", "info", "debug"],
    fallback: "warn",
    meaning: "least important event that is logged",
  },
  accountConcurrency: {
    flag: "account-concurrency",
    kind: "count",
    range: [1, 1_000_000],
    fallback: "1000",
    meaning: "concurrent invocations per account and region",
  },
  idleTimeoutMs: {
    flag: "idle-timeout",
    kind: "count",
    range: [0, 86_400_000],
    fallback: "600000",
    meaning:
      "milliseconds after which an idle environment ends while its function has no habits to go by",
  },
  freezeAfterMs: {
    flag: "freeze-after",
    kind: "count",
    range: [0, 86_400_000],
    fallback: "250",
    meaning: "milliseconds after which an idle environment is frozen until its next invocation",
  },
  genericPerKind: {
    flag: "ready-sandboxes",
    kind: "count",
    range: [0, 1_000],
    fallback: "1",
    meaning: "booted sandboxes kept ready per runtime in use",
  },
  prebootKinds: {
    flag: "preboot",
    kind: "list",
    fallback: "",
    meaning: "runtimes to boot ahead of the first call, e.g. nodejs24.x",
  },
  functionMemoryMiB: {
    flag: "function-memory",
    kind: "count",
    range: [128, 16_777_216],
    fallback: "8192",
    meaning: "MiB that all sandboxes together may reserve",
  },
  pythonPackages: {
    flag: "python-packages",
    kind: "path",
    fallback: undefined,
    meaning: "folder with boto3 for Python functions; by default that of an interpreter or .venv",
  },
  javaClient: {
    flag: "java-client",
    kind: "path",
    fallback: undefined,
    meaning:
      "folder with the jars of AWS's Java runtime interface client; `skerry doctor` says how to fill one",
  },
  drainTimeoutMs: {
    flag: "drain-timeout",
    kind: "count",
    range: [0, 900_000],
    fallback: "10000",
    meaning: "milliseconds running requests get at shutdown",
  },
} as const satisfies Record<string, Option>;

export function variableOf(option: Pick<Option, "flag">): string {
  return `SKERRY_${option.flag.toUpperCase().replaceAll("-", "_")}`;
}
