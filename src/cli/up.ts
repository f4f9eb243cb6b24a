import type { Config } from "#config/config.ts";
import {
  CliError,
  type Command,
  type CommandInvocation,
  type RunningServer,
  type Terminal,
} from "./command.ts";
import { announced } from "./progress.ts";

/** `skerry up`: the development server. Any credentials; listens on loopback unless told otherwise. */
export const up: Command = {
  name: "up",
  operands: "",
  summary: "start Skerry for development: any credentials, loopback only",
  flags: [],
  serverFlags: true,
  run: runServer,
};

/** `skerry serve`: signatures are verified, for real use. */
export const serve: Command = {
  name: "serve",
  operands: "",
  summary: "start Skerry for real use: every request must be signed with a known key",
  flags: [],
  serverFlags: true,
  run: runServer,
};

async function runServer(invocation: CommandInvocation, terminal: Terminal): Promise<number> {
  const server = await announced(
    terminal,
    "starting",
    terminal.startServer(invocation.config),
  ).catch((error: unknown) => {
    throw explain(error, invocation.config);
  });
  terminal.out(
    invocation.json
      ? `${JSON.stringify(banner(invocation, server))}\n`
      : welcome(invocation, server),
  );
  await aborted(terminal.stop);
  if (!invocation.json) {
    const seconds = invocation.config.drainTimeoutMs / 1000;
    terminal.err(`stopping: running requests get up to ${seconds} s; Ctrl-C again ends them now\n`);
  }
  await server[Symbol.asyncDispose]();
  return 0;
}

/** What the operating system refused, as a sentence with a way out; anything else stays as it is. */
function explain(error: unknown, config: Config): unknown {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) return error;
  const { code, syscall } = error;
  if (syscall === "listen" || syscall === "getaddrinfo") {
    const { host, port } = config;
    if (code === "EADDRINUSE") {
      return new CliError(
        `port ${port} of ${host} is taken by another program; stop that, or choose a port: --port 0 takes a free one`,
      );
    }
    if (code === "EACCES") {
      return new CliError(`port ${port} needs more rights than this user has; choose --port 4566`);
    }
    return new CliError(`cannot listen on ${host} (${String(code)}); choose an address: --host`);
  }
  const refusals = ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOSPC", "EDQUOT"];
  if (!refusals.includes(String(code))) return error;
  return new CliError(
    `cannot keep data in ${config.dataDir} (${String(code)}); choose a folder: --data`,
  );
}

function banner({ config }: CommandInvocation, server: RunningServer): Record<string, unknown> {
  return {
    url: server.url,
    port: server.port,
    account: config.defaultAccountId,
    region: config.defaultRegion,
    data: config.storage === "memory" ? "memory" : config.dataDir,
    isolation: server.isolation,
    notices: server.notices,
  };
}

function welcome(invocation: CommandInvocation, server: RunningServer): string {
  const { config } = invocation;
  const lines = [
    `Skerry is listening on ${server.url}`,
    "",
    `  account     ${config.defaultAccountId}`,
    `  region      ${config.defaultRegion}`,
    `  data        ${config.storage === "memory" ? "in memory; gone at exit" : config.dataDir}`,
    `  isolation   ${server.isolation}`,
    "",
    ...server.notices.map((notice) => `  ! ${notice}`),
    ...(config.mode === "dev"
      ? [
          "Use it with any AWS tool:",
          "",
          `  export AWS_ENDPOINT_URL=${server.url}`,
          // SDKs read the first; boto3 and version 1 of the aws CLI know only the second.
          `  export AWS_REGION=${config.defaultRegion} AWS_DEFAULT_REGION=${config.defaultRegion}`,
          "  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test",
          "  aws lambda list-functions",
          "",
        ]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
