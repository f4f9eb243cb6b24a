import { readdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";

/** Removes unfinished files whose writer is gone; their names begin with `processIdentity()` of it. */
export async function removeLeftovers(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const [processId = "", startedAt] = name.split("-");
    if ((await startTime(processId)) !== startedAt)
      await rm(path.join(incoming, name), { force: true });
  }
}

/** Process id and start time: in a container every restart may have the same id. */
export async function processIdentity(): Promise<string> {
  return `${process.pid}-${(await startTime(String(process.pid))) ?? "unknown"}`;
}

/** Bytes of all stored blobs. */
export async function storedBytes(directory: string): Promise<number> {
  let byteCount = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) byteCount += (await stat(path.join(entry.parentPath, entry.name))).size;
  return byteCount;
}

/** In clock ticks since boot: the 22nd field of /proc/<pid>/stat (proc_pid_stat(5)). */
export async function startTime(processId: string): Promise<string | undefined> {
  try {
    const status = await readFile(`/proc/${processId}/stat`, "utf8");
    // The second field is a name in parentheses that may hold spaces; count from behind it.
    return status.slice(status.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
