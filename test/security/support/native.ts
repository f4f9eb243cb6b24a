import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const attackers = new URL("../attackers/native/", import.meta.url);

/** A program, or why there is none. */
export type Built = { readonly program: Buffer } | { readonly reason: string };

/**
 * The native attacker of `attackers/native/<name>` together with `serve.go`, as a static binary made
 * by the Go toolchain found. Kept in the temporary folder under the hash of its sources: test files
 * run in processes of their own, and building takes seconds.
 */
export async function buildNative(name: string): Promise<Built> {
  const sources = new Map<string, Buffer>([
    ["go.mod", Buffer.from("module attacker\n\ngo 1.21\n")],
    ...(await filesOf("serve/")),
    ...(await filesOf(`${name}/`)),
  ]);
  const hash = createHash("sha256").update(`${process.arch}\0`);
  for (const [file, text] of sources) hash.update(`${file}\0`).update(text);
  const kept = join(tmpdir(), `skerry-attacker-${hash.digest("hex").slice(0, 16)}`);
  try {
    return { program: await readFile(kept) };
  } catch {
    return build(sources, kept);
  }
}

async function build(sources: ReadonlyMap<string, Buffer>, kept: string): Promise<Built> {
  const folder = await mkdtemp(`${kept}.`);
  try {
    for (const [file, text] of sources) await writeFile(join(folder, file), text);
    const env = { ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod" };
    const args = ["build", "-trimpath", "-ldflags=-s -w", "-o", "program", "."];
    await run("go", args, { cwd: folder, env });
    // Others may be building the same: whoever is last replaces it by the same bytes.
    await rename(join(folder, "program"), kept);
    return { program: await readFile(kept) };
  } catch (error) {
    return { reason: `the Go toolchain gave no program: ${String(error).slice(0, 400)}` };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function filesOf(folder: string): Promise<readonly (readonly [string, Buffer])[]> {
  const names = (await readdir(new URL(folder, attackers))).toSorted();
  return Promise.all(
    names.map(async (name) => [name, await readFile(new URL(folder + name, attackers))] as const),
  );
}
