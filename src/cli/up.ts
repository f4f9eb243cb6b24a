import type { Command, CommandInvocation, RunningServer, Terminal } from "./command.ts";

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
  const server = await terminal.startServer(invocation.config);
  terminal.out(
    invocation.json
      ? `${JSON.stringify(banner(invocation, server))}\n`
      : welcome(invocation, server),
  );
  await aborted(terminal.stop);
  if (!invocation.json) terminal.err("\nstopping: running requests get their time …\n");
  await server[Symbol.asyncDispose]();
  return 0;
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
          `  export AWS_ENDPOINT_URL=${server.url} AWS_REGION=${config.defaultRegion}`,
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
