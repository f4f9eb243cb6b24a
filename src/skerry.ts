import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { buffer } from "node:stream/consumers";
import { runCli } from "#cli/cli.ts";
import type { Terminal } from "#cli/command.ts";

/**
 * The program: a real terminal around `runCli`. `main.ts` is loaded only by the commands that start
 * or examine a platform, so that `skerry invoke` does not pay for it.
 */
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}

const terminal: Terminal = {
  environment: process.env,
  workingDirectory: process.cwd(),
  isInteractive: process.stdout.isTTY,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  readFile,
  readStdin: () => buffer(process.stdin),
  stop: stop.signal,
  startServer: async (config) => (await import("./main.ts")).startServer(config),
  diagnose: async (config) => (await import("./main.ts")).diagnose(config),
};
const { version } = createRequire(import.meta.url)("../package.json") as { version: string }; // our own

process.exitCode = await runCli(process.argv.slice(2), terminal, version);
// The server may leave handles of a library open; what had to be flushed has been.
if (stop.signal.aborted) process.exit();
