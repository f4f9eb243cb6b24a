import type { Config } from "#config/config.ts";

/** One command of `skerry`: what it is called, what it takes, what it does. */
export interface Command {
  readonly name: string;
  /** After the name: `NAME [PAYLOAD]`. */
  readonly operands: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** Whether the server's own settings (`--port`, `--data`, …) are flags of it too. */
  readonly serverFlags: boolean;
  /** Resolves with the exit code. Expected failures are `CliError`. */
  run(invocation: CommandInvocation, terminal: Terminal): Promise<number>;
}

export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** Placeholder of its value; a flag without one is a switch. */
  readonly value?: string;
  readonly meaning: string;
}

export interface CommandInvocation {
  readonly operands: readonly string[];
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly config: Config;
  /** Base address of the server that client commands talk to. */
  readonly endpoint: string;
  readonly json: boolean;
}

/** Everything a command may touch of the outside; made by `skerry.ts`. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Whether somebody reads what `err` prints as it comes. */
  readonly isInteractive: boolean;
  out(text: string): void;
  err(text: string): void;
  readFile(path: string): Promise<Uint8Array>;
  readStdin(): Promise<Uint8Array>;
  /** Fires at the first SIGINT or SIGTERM. A second one ends the process at once. */
  readonly stop: AbortSignal;
  startServer(config: Config): Promise<RunningServer>;
  diagnose(config: Config): Promise<Diagnosis>;
}

export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** What holds, in words: `bubblewrap, one uid per sandbox, …`. */
  readonly isolation: string;
  /** Things the operator must know: warnings, the first-run root key. */
  readonly notices: readonly string[];
}

export interface Diagnosis {
  readonly version: string;
  readonly sandbox: { readonly driver: string; readonly usable: boolean; readonly reason: string };
  readonly properties: readonly {
    readonly name: string;
    readonly holds: boolean;
    readonly required: boolean;
    readonly detail: string;
  }[];
  readonly runtimes: readonly {
    readonly identifier: string;
    readonly usable: boolean;
    readonly reason: string;
  }[];
}

/** A failure the user can act on: printed as one sentence, no stack. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
