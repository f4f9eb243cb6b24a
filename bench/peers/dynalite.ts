import { join } from "node:path";
import { fromNpm, installed } from "./install.ts";
import { end, freePort, launch, type RunningPeer, untilReady } from "./running.ts";

/** DynamoDB in Node, in memory: it answers, and verifies no signature. */
export async function startDynalite(): Promise<RunningPeer> {
  const folder = await installed("dynalite", fromNpm("dynalite@4.0.0"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    join(folder, "node_modules/dynalite/cli.js"),
    `--port=${port}`,
    "--createTableMs=0",
  ];
  const child = launch({ command: [process.execPath, ...args], cwd: folder });
  try {
    await untilReady(child, url);
  } catch (error) {
    await end(child);
    throw error;
  }
  return { url, pid: child.pid ?? 0, [Symbol.asyncDispose]: () => end(child) };
}
