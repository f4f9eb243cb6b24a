import { chmodSync, mkdirSync } from "node:fs";

/**
 * Makes a directory others may use, whatever the umask of this process is: sandboxes run under uids
 * of their own, and a platform started with umask 077 must still be able to show them something.
 */
export function makeDirectory(path: string, mode: number): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
}
