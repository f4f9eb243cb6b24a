import { closeSync, readdirSync, readFileSync } from "node:fs";

/** O_CLOEXEC in the octal `flags` line of /proc/self/fdinfo (proc(5)). */
const closeOnExec = 0o2000000;

/**
 * Closes every descriptor this process inherited beyond the standard three and its IPC channel. All
 * that Node opens itself is close-on-exec, so whatever is not came from outside and would end up
 * inside every sandbox.
 */
export function closeInheritedDescriptors(): readonly number[] {
  const closed: number[] = [];
  for (const name of readdirSync("/proc/self/fd")) {
    const descriptor = Number(name);
    if (descriptor <= 2 || !isInheritable(descriptor)) continue;
    try {
      closeSync(descriptor);
      closed.push(descriptor);
    } catch {
      // The directory listing's own descriptor is gone by now.
    }
  }
  return closed;
}

function isInheritable(descriptor: number): boolean {
  try {
    const text = readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
    const flags = /^flags:\s*([0-7]+)/m.exec(text)?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    return false;
  }
}
