import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { bubblewrapArguments, encodeArguments } from "./drivers/bubblewrap/arguments.ts";
import { findBubblewrap } from "./drivers/bubblewrap/probe.ts";
import { filterArchitecture, seccompFilter } from "./drivers/bubblewrap/seccomp.ts";
import { createSystemTree } from "./drivers/bubblewrap/system-tree.ts";
import type { SandboxSpec } from "./sandbox.ts";

/** What a measured start is compared with: bubblewrap with a sandbox's own profile, and nothing of ours. */
export interface BareProfile extends Disposable {
  /** Wall milliseconds from starting bubblewrap to its exit, with this program as the first inside. */
  wallMs(command: readonly string[]): Promise<number>;
}

/**
 * Mounts, links, namespaces and system-call filter as a sandbox of this specification has them. Without
 * control groups and without a uid of its own: neither is part of a start that does not wait for them.
 */
export function openBareProfile(spec: SandboxSpec): BareProfile {
  const workDir = mkdtempSync(join(tmpdir(), "skerry-bare-"));
  const slot = join(workDir, "slot");
  mkdirSync(slot);
  const architecture = filterArchitecture(process.arch);
  if (!architecture) throw new Error(`no system-call table for ${process.arch}`);
  const filter = seccompFilter(architecture);
  const values = bubblewrapArguments({
    mounts: spec.mounts,
    links: spec.links,
    system: createSystemTree(join(workDir, "system")),
    slot,
    environment: spec.environment,
    scratchMiB: spec.scratchMiB,
    descriptors: { seccomp: 4, info: 5, block: 6 },
  });
  const encoded = encodeArguments(values);
  return {
    async wallMs(command) {
      const startMs = performance.now();
      const child = spawn(findBubblewrap() ?? "bwrap", ["--args", "3", "--", ...command], {
        stdio: ["ignore", "ignore", "inherit", "pipe", "pipe", "pipe", "pipe"],
        env: {},
      });
      for (const [descriptor, bytes] of [encoded, filter, undefined, "1"].entries()) {
        // Each was asked for as a pipe above.
        if (bytes !== undefined) (child.stdio[descriptor + 3] as Writable).end(bytes);
      }
      const [code] = (await once(child, "exit")) as [number | null];
      if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}`);
      return performance.now() - startMs;
    },
    [Symbol.dispose]: () => rmSync(workDir, { recursive: true }),
  };
}
