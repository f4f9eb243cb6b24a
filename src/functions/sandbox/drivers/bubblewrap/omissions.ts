import type { UidPool } from "../../launcher/uids.ts";
import type { CgroupLimits } from "./cgroup.ts";
import type { Cgroup, CgroupTree } from "./cgroup-files.ts";

/**
 * Defences left out on purpose, so that a test can show what happens without them: a blocked attack
 * proves something only where the same attack succeeds with its defence off. Only code in the
 * platform's own process can ask for it (`assemble`'s last parameter); no flag, variable, file or
 * request leads here. Plain data, for it travels to the launcher with its settings.
 */
export interface Omissions {
  /** Changes to bubblewrap's arguments, one after the other. */
  readonly cuts?: readonly Cut[];
  /** The system-call filter to load instead, in base64. */
  readonly filter?: string;
  /** Resource limits not set, as prlimit's options name them: `core`. */
  readonly limits?: readonly string[];
  /** Options left out of the launcher's own mounts. */
  readonly mountOptions?: readonly MountOption[];
  /** Sandboxes run under the launcher's uid. */
  readonly ownUids?: true;
  /** Sandboxes have a uid of their own, but all the same one. */
  readonly separateUids?: true;
  /** Limits of control groups not set. */
  readonly controls?: readonly (keyof CgroupLimits)[];
}

/** A run of arguments taken out; `null` matches any one word. */
export interface Cut {
  readonly words: readonly (string | null)[];
  /** What stands in its place; `null` is the next word that a `null` matched. */
  readonly instead?: readonly (string | null)[];
}

export type MountOption = "ro" | "nosuid" | "nodev";

/** Groups that are made and watched as ever, without the limits named. */
export function withoutControls(tree: CgroupTree, controls: Omissions["controls"]): CgroupTree {
  if (!controls) return tree;
  const kept = (limits: CgroupLimits): CgroupLimits =>
    Object.fromEntries(
      Object.entries(limits).filter(([name]) => !controls.some((control) => control === name)),
    );
  const loosened = (group: Cgroup): Cgroup => ({
    ...group,
    configure: (change) => group.configure(kept(change)),
  });
  return {
    ...tree,
    create: (name, limits) => loosened(tree.create(name, kept(limits))),
    find: (name, limits) => loosened(tree.find(name, kept(limits))),
  };
}

/** Gives everyone the first uid. */
export function sharedUid(range: { readonly first: number }): UidPool {
  return { take: () => range.first, give: () => undefined, takenCount: 0 };
}

/** Throws for a cut that finds nothing: a defence thought to be off would still be on. */
export function cutArguments(
  values: readonly string[],
  cuts: readonly Cut[] | undefined,
): readonly string[] {
  return (cuts ?? []).reduce(cutOnce, values);
}

function cutOnce(values: readonly string[], cut: Cut): readonly string[] {
  const { words, instead = [] } = cut;
  const at = values.findIndex((_, start) =>
    words.every((word, index) => word === null || word === values[start + index]),
  );
  if (at < 0) throw new Error(`no such run of arguments to leave out: ${words.join(" ")}`);
  const matched = words.flatMap((word, index) => (word === null ? (values[at + index] ?? []) : []));
  const filled = instead.flatMap((word) => word ?? matched.shift() ?? []);
  return [...values.slice(0, at), ...filled, ...values.slice(at + words.length)];
}
