import { follow, root, type RunningCommand } from "./commands.ts";

/** `skerry up` as a process of its own, so that it can be killed like one. */
export async function startServerProcess(
  dataDir: string,
  port = 0,
): Promise<{ readonly process: RunningCommand; readonly url: string; readonly pid: number }> {
  const process_ = follow(`${root}node_modules/node/bin/node`, [
    "--conditions=source",
    `${root}src/skerry.ts`,
    "up",
    "--json",
    `--port=${port}`,
    `--data=${dataDir}`,
    "--log-level=error",
  ]);
  const { url } = JSON.parse(await process_.line(/^\{/)) as { url: string }; // our own banner
  return { process: process_, url, pid: process_.child.pid ?? 0 };
}
