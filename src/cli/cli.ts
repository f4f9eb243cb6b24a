import { parseArgs } from "node:util";
import { isPlatformError, PlatformError } from "#base/errors.ts";
import { type Config, readConfig } from "#config/config.ts";
import { options } from "#config/options.ts";
import { CliError, type Command, type CommandInvocation, type Terminal } from "./command.ts";
import { completions } from "./completions.ts";
import { doctor } from "./doctor.ts";
import { events } from "./events.ts";
import { functions } from "./functions.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { invoke } from "./invoke.ts";
import { logs } from "./logs.ts";
import { reset } from "./reset.ts";
import { nearest } from "./nearest.ts";
import { trace } from "./trace.ts";
import { serve, up } from "./up.ts";

const commands: readonly Command[] = [
  up,
  serve,
  doctor,
  invoke,
  logs,
  trace,
  events,
  functions,
  reset,
  completions(() => commands),
];

/** Runs one command line (without the program's own name); resolves with the exit code. */
export async function runCli(
  words: readonly string[],
  terminal: Terminal,
  version: string,
): Promise<number> {
  try {
    const [name = "help", ...rest] = words;
    if (name === "help" || name === "--help" || name === "-h") {
      const command = commands.find((candidate) => candidate.name === rest[0]);
      terminal.out(command ? commandHelp(command) : generalHelp(commands));
      return 0;
    }
    if (name === "--version" || name === "-v" || name === "version") {
      terminal.out(`${version}\n`);
      return 0;
    }
    const command = commands.find((candidate) => candidate.name === name);
    if (!command) throw unknownCommand(name);
    if (rest.includes("--help") || rest.includes("-h")) {
      terminal.out(commandHelp(command));
      return 0;
    }
    return await command.run(await readInvocation(command, rest, terminal), terminal);
  } catch (error) {
    return report(error, terminal);
  }
}

function unknownCommand(name: string): CliError {
  const names = commands.map((command) => command.name);
  const guess = nearest(name, names);
  const hint = guess === undefined ? `One of: ${names.join(", ")}.` : `Did you mean "${guess}"?`;
  return new CliError(`unknown command "${name}". ${hint}`, 2);
}

async function readInvocation(
  command: Command,
  words: readonly string[],
  terminal: Terminal,
): Promise<CommandInvocation> {
  const parsed = parseWords(command, words);
  const flags = Object.fromEntries(
    Object.entries(parsed.values).map(([name, value]) => [name, String(value)]),
  );
  const config = readConfig(command.name === "serve" ? "serve" : "dev", {
    flags,
    environment: terminal.environment,
    file: await readConfigFile(flags["config"] ?? terminal.environment["SKERRY_CONFIG"], terminal),
    workingDirectory: terminal.workingDirectory,
  });
  return {
    operands: parsed.positionals,
    flags,
    config,
    endpoint: flags["endpoint"] ?? terminal.environment["SKERRY_ENDPOINT"] ?? localEndpoint(config),
    json: "json" in flags,
  };
}

function localEndpoint(config: Config): string {
  const anywhere = config.host === "0.0.0.0" || config.host === "::";
  const host = anywhere ? "127.0.0.1" : config.host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${config.port}`;
}

function parseWords(
  command: Command,
  words: readonly string[],
): { readonly values: Record<string, unknown>; readonly positionals: readonly string[] } {
  const known: Record<string, { type: "string" | "boolean"; short?: string }> = {
    json: { type: "boolean" },
    config: { type: "string" },
    endpoint: { type: "string" },
  };
  for (const option of Object.values(options)) known[option.flag] = { type: "string" };
  for (const flag of command.flags) {
    known[flag.name] = {
      type: flag.value === undefined ? "boolean" : "string",
      ...(flag.short !== undefined && { short: flag.short }),
    };
  }
  try {
    return parseArgs({ args: [...words], options: known, allowPositionals: true, strict: true });
  } catch (error) {
    const unknown = /'--([^'\s]+)/.exec(String(error))?.[1];
    const guess = unknown === undefined ? undefined : nearest(unknown, Object.keys(known));
    const hint = guess === undefined ? "" : ` Did you mean --${guess}?`;
    const text = error instanceof Error ? error.message.split(". ")[0] : String(error);
    throw new CliError(`${text}.${hint} See: skerry help ${command.name}`, 2);
  }
}

async function readConfigFile(path: string | undefined, terminal: Terminal): Promise<unknown> {
  try {
    const bytes = await terminal.readFile(path ?? "skerry.config.json");
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isAbsent && path === undefined) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new PlatformError("config.invalid", `cannot read the configuration file: ${reason}`);
  }
}

function report(error: unknown, terminal: Terminal): number {
  if (error instanceof CliError) {
    terminal.err(`skerry: ${error.message}\n`);
    return error.exitCode;
  }
  if (isPlatformError(error)) {
    terminal.err(`skerry: ${error.message}\n`);
    return error.code === "config.invalid" ? 2 : 1;
  }
  const hasStack = error instanceof Error && error.stack !== undefined;
  terminal.err(`skerry: unexpected failure\n${hasStack ? error.stack : String(error)}\n`);
  return 70; // EX_SOFTWARE of sysexits(3): a defect of ours
}
