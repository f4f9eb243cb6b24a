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
}

/** A run of arguments taken out; `null` matches any one word. */
export interface Cut {
  readonly words: readonly (string | null)[];
  /** What stands in its place; `null` is the next word that a `null` matched. */
  readonly instead?: readonly (string | null)[];
}

export type MountOption = "ro" | "nosuid" | "nodev";

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
