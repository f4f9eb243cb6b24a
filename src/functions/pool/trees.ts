import type { Packages } from "#functions/packages/packages.ts";
import type { Revision } from "#functions/registry/registry.ts";

/** The trees a revision's code consists of, by slot name, unpacked. Errors: as `Packages.unpack`. */
export async function unpackTrees(
  packages: Pick<Packages, "unpack" | "mergeLayers">,
  revision: Revision,
): Promise<Record<string, string>> {
  const layers = revision.layers.map((layer) => layer.codeSha256);
  const [task, opt] = await Promise.all([
    packages.unpack(revision.codeSha256),
    layers.length === 0 ? undefined : packages.mergeLayers(layers),
  ]);
  return opt === undefined ? { task } : { task, opt };
}
