import { readFile } from "node:fs/promises";
import { createRequire, enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { yieldBackgroundThreads } from "#base/background-threads.ts";
import { systemClock } from "#base/clock.ts";
import { runCli } from "#cli/cli.ts";
import type { Terminal } from "#cli/command.ts";

// Halves the time to load the platform. Below the home folder, because what is in it is executed:
// a shared temporary folder is no place for it.
enableCompileCache(join(homedir(), ".cache", "skerry"));

/**
 * The program: a real terminal around `runCli`. `main.ts` is loaded only by the commands that start
 * or examine a platform, so that `skerry invoke` does not pay for it.
 */
const stop = new AbortController();

/**
 * One Ctrl-C reaches this process several times: from the terminal, and again from each parent that
 * passes it on (`bin/skerry.js`, npm). Only what comes later than this is a second wish.
 */
const sameSignalMs = 200;

let stoppedAtMs = 0;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    const now = systemClock.monotonicMs();
    if (!stop.signal.aborted) {
      stoppedAtMs = now;
      stop.abort();
    } else if (now - stoppedAtMs > sameSignalMs) process.exit(130); // 128 + SIGINT, as shells say it
  });
}
// The parent died without a word (kill -9): nobody is left to stop us.
process.on("disconnect", () => stop.abort());
process.channel?.unref();
// `skerry logs -f NAME | head -1`: the reader has had enough.
process.stdout.on("error", (error: Error & { code?: string }) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

const terminal: Terminal = {
  environment: process.env,
  workingDirectory: process.cwd(),
  isInteractive: process.stderr.isTTY,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  readFile,
  readStdin: () => buffer(process.stdin),
  stop: stop.signal,
  async startServer(config) {
    yieldBackgroundThreads();
    return (await import("./main.ts")).startServer(config);
  },
  diagnose: async (config) => (await import("./main.ts")).diagnose(config),
};
const { version } = createRequire(import.meta.url)("../package.json") as { version: string }; // our own

process.exitCode = await runCli(process.argv.slice(2), terminal, version);
// The server may leave handles of a library open; what had to be flushed has been.
if (stop.signal.aborted) process.exit();
