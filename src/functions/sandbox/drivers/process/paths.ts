import type { SandboxSpec } from "../../sandbox.ts";

/**
 * How a specification written for a sandbox's own file system reads on the host. The process driver
 * has no file system of its own, so `/var/task` and its like do not exist: command, arguments and
 * environment are rewritten here, and the boot program learns the rest from its environment:
 *
 * - `SKERRY_MOUNTS`: JSON object, path inside → path on the host, for every mount, every link,
 *   `/var/slot` and `/tmp`. A guest maps any path it was built with through it, longest match first.
 * - `SKERRY_SLOT`: what `/var/slot` stands for; `link("task", …)` makes `$SKERRY_SLOT/task` appear.
 * - `SKERRY_ROOT`: a directory of this sandbox alone, removed with it; `/tmp` is below it.
 *
 * A boot program opens its listeners on port 0 when `SKERRY_MOUNTS` is set, because sandboxes share
 * the host's loopback, and says `{ "listener": <port asked for>, "port": <port opened> }`.
 */
export type PathMap = ReadonlyMap<string, string>;

export function hostPaths(
  spec: SandboxSpec,
  places: { readonly slot: string; readonly scratch: string },
): PathMap {
  const map = new Map<string, string>([
    ["/var/slot", places.slot],
    ["/tmp", places.scratch],
  ]);
  for (const { source, target } of spec.mounts) map.set(target, source);
  for (const { target, path } of spec.links) map.set(path, toHost(target, map));
  return map;
}

/** The host's path for one path inside; unchanged where nothing was mounted. */
export function toHost(path: string, map: PathMap): string {
  let best: readonly [string, string] | undefined;
  for (const entry of map) {
    const [target] = entry;
    const matches = path === target || path.startsWith(`${target}/`);
    if (matches && target.length > (best?.[0].length ?? 0)) best = entry;
  }
  return best ? best[1] + path.slice(best[0].length) : path;
}

/** Every path in an argument or a variable, also behind `=` and in lists separated by `:` or `,`. */
export function rewrite(text: string, map: PathMap): string {
  return text.replaceAll(/(^|[:=,])(\/[^:=,]*)/g, (_, before: string, path: string) => {
    return before + toHost(path, map);
  });
}

export function hostEnvironment(
  spec: SandboxSpec,
  map: PathMap,
  places: { readonly slot: string; readonly root: string },
): Readonly<Record<string, string>> {
  const rewritten = Object.entries(spec.environment).map(([name, value]) => [
    name,
    rewrite(value, map),
  ]);
  return {
    // Every entry is a pair of strings.
    ...(Object.fromEntries(rewritten) as Record<string, string>),
    SKERRY_MOUNTS: JSON.stringify(Object.fromEntries(map)),
    SKERRY_SLOT: places.slot,
    SKERRY_ROOT: places.root,
  };
}
