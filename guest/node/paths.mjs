/** Where things lie: the sandbox's own paths, or the host's where there is no isolation. */
const mounts = process.env.SKERRY_MOUNTS ? JSON.parse(process.env.SKERRY_MOUNTS) : undefined;

/** True when the loopback and the file system are the host's. */
export const isOnHost = mounts !== undefined;

/** The place of a path inside; the longest mounted prefix decides. */
export function place(path) {
  if (!mounts) return path;
  let best = "";
  for (const target of Object.keys(mounts)) {
    const matches = path === target || path.startsWith(`${target}/`);
    if (matches && target.length > best.length) best = target;
  }
  return best === "" ? path : mounts[best] + path.slice(best.length);
}
