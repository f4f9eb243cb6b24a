import type { Sandbox } from "#functions/sandbox/sandbox.ts";

/** Makes a function's trees appear inside; without layers /opt is an empty directory, as on AWS. */
export async function linkTrees(
  sandbox: Sandbox,
  trees: Readonly<Record<string, string>>,
  emptyTree: string,
): Promise<void> {
  const wanted = Object.entries({ opt: emptyTree, ...trees });
  await Promise.all(wanted.map(([name, source]) => sandbox.link(name, source)));
}
