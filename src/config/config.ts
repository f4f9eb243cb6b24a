import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { unreachable } from "#base/assert.ts";
import { PlatformError } from "#base/errors.ts";
import { type Option, options, variableOf } from "./options.ts";

/** Flags, environment and file as one validated, frozen object; the only reader of `process.env`. */
export interface Config {
  readonly mode: "dev" | "serve";
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Processes that share the work; with more than one, another starts and ends them. */
  readonly workers: number;
  /** Absolute. */
  readonly dataDir: string;
  readonly storage: "lmdb" | "memory";
  readonly sandbox: "bubblewrap" | "process";
  readonly defaultAccountId: string;
  readonly defaultRegion: string;
  /** Host names, besides the built-in ones, under which requests are accepted. */
  readonly allowedHosts: readonly string[];
  /** Origins, besides our own, from which a web page may call. */
  readonly allowedOrigins: readonly string[];
  /** Connections from outside, and of one address. */
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  readonly otlpEndpoint: string | undefined;
  readonly logLevel: "error" | "warn" | "info" | "debug";
  /** Concurrent invocations per account and region; the service's default is 1,000. */
  readonly accountConcurrency: number;
  /** An idle environment ends after this long, unless its function's habits say something better. */
  readonly idleTimeoutMs: number;
  /** Generic sandboxes kept ready, per runtime kind that has been used or is listed in `prebootKinds`. */
  readonly freezeAfterMs: number;
  readonly genericPerKind: number;
  readonly prebootKinds: readonly string[];
  /** Memory all sandboxes together may reserve. */
  readonly functionMemoryMiB: number;
  /** Absolute; undefined searches the interpreters found. */
  readonly pythonPackages: string | undefined;
  /** Absolute; undefined looks in the package's own folder. */
  readonly javaClient: string | undefined;
  readonly drainTimeoutMs: number;
  /** Where interpreters are looked for: the folders of `PATH`. */
  readonly programFolders: readonly string[];
  /** `JAVA_HOME` as it was set. */
  readonly javaHome: string | undefined;
}

/** Where values come from, strongest first: flags, environment, file, fallback. */
export interface ConfigSources {
  /** By flag name without dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Parsed `skerry.config.json`: an object keyed by flag name. */
  readonly file: unknown;
  readonly workingDirectory: string;
}

/**
 * One frozen object, or `PlatformError("config.invalid")` that names the setting, where it came
 * from, what was given and what is allowed. Unknown keys in the file and unknown `SKERRY_` variables
 * are errors too: a misspelt setting must not be silently without effect.
 */
export function readConfig(mode: Config["mode"], sources: ConfigSources): Config {
  const file = checkedFile(sources.file);
  refuseUnknownVariables(sources.environment);
  const text = (name: OptionName): string | undefined => {
    const option: Option = options[name];
    return (
      sources.flags[option.flag] ??
      sources.environment[variableOf(option)] ??
      file[option.flag] ??
      option.fallback
    );
  };
  const parse = (name: OptionName): unknown => parseValue(options[name], text(name), sources);
  const programFolders = (sources.environment["PATH"] ?? "")
    .split(":")
    .filter((path) => path !== "");
  const javaHome = sources.environment["JAVA_HOME"] || undefined;
  const entries = (Object.keys(options) as OptionName[]).map((name) => [name, parse(name)]); // keys of a constant
  // The table's kinds and the interface agree; config.test.ts holds them together.
  return Object.freeze({
    mode,
    programFolders,
    javaHome,
    ...Object.fromEntries(entries),
  }) as Config;
}

type OptionName = keyof typeof options;

/** Variables that belong to the command line, not to the server. */
const otherVariables = new Set(["SKERRY_CONFIG", "SKERRY_ENDPOINT", "SKERRY_NO_INSTALL"]);

function refuseUnknownVariables(environment: ConfigSources["environment"]): void {
  const known = new Set(Object.values(options).map(variableOf));
  for (const name of Object.keys(environment)) {
    if (name.startsWith("SKERRY_") && !known.has(name) && !otherVariables.has(name)) {
      throw new PlatformError("config.invalid", `unknown environment variable ${name}`);
    }
  }
}

function checkedFile(file: unknown): Readonly<Record<string, string>> {
  if (file === undefined) return {};
  if (typeof file !== "object" || file === null || Array.isArray(file)) {
    throw new PlatformError("config.invalid", "the configuration file must hold a JSON object");
  }
  const flags = new Set<string>(Object.values(options).map((option) => option.flag));
  return Object.fromEntries(
    Object.entries(file).map(([name, value]) => {
      if (!flags.has(name)) {
        throw new PlatformError("config.invalid", `unknown setting "${name}" in the file`);
      }
      return [name, Array.isArray(value) ? value.join(",") : String(value)];
    }),
  );
}

function parseValue(
  option: Option,
  text: string | undefined,
  sources: ConfigSources,
): string | number | readonly string[] | undefined {
  const refuse = (expected: string): never => {
    throw new PlatformError(
      "config.invalid",
      `--${option.flag} must be ${expected}, not "${text}"`,
    );
  };
  if (text === undefined) return undefined;
  switch (option.kind) {
    case "text":
      return text === "" ? refuse("a non-empty text") : text;
    case "path":
      return text === "" ? refuse("a folder") : resolve(sources.workingDirectory, text);
    case "list":
      return text === "" ? [] : text.split(",").map((item) => item.trim());
    case "choice":
      return option.choices?.includes(text) ? text : refuse(`one of ${option.choices?.join(", ")}`);
    case "url":
      return URL.canParse(text) ? text : refuse("an address such as http://localhost:4318");
    case "count": {
      const [least, most] = option.range ?? [0, Number.MAX_SAFE_INTEGER];
      if (text === "auto" && option.hasAuto) return Math.min(most, availableParallelism());
      const count = /^\d+$/.test(text) ? Number(text) : NaN;
      const word = option.hasAuto ? " or auto" : "";
      return count >= least && count <= most
        ? count
        : refuse(`a whole number ${least} to ${most}${word}`);
    }
    default:
      return unreachable(option.kind);
  }
}
