import { statSync } from "node:fs";
import { join } from "node:path";
import { once } from "./once.ts";
import { writeGuestScript } from "./guest-script.ts";
import { makeCompileCache } from "./compile-cache.ts";
import { attachManaged, specialiseFields } from "./managed-guest.ts";
import type { ManagedGuestDeps } from "./managed-guest.ts";
import { bootCpuMilli, concurrencyPerCpu, ports, processesMax } from "./limits.ts";
import { buildSdkTree, findPackage, projectRoot } from "./node-packages.ts";
import type { Runtime } from "./runtimes.ts";
import { isWorthCompiling } from "./worth-compiling.ts";

export const guestDirectory = join(projectRoot, "guest");

/** Where code and layers are expected; the links lead to what the sandbox gets later. */
export const codeLinks = [
  { target: "/var/slot/task", path: "/var/task" },
  { target: "/var/slot/opt", path: "/opt" },
];

export interface NodeRuntimeDeps extends ManagedGuestDeps {
  /** Where prepared trees are kept. */
  readonly workDir: string;
}

/** The Node runtimes of Lambda; each is the official binary of its major version from npm. */
export function createNodeRuntimes(deps: NodeRuntimeDeps): readonly Runtime[] {
  const trees: PreparedTrees = {
    sdk: once(() => buildSdkTree(deps.workDir)),
    guest: once(() => Promise.resolve(writeNodeGuest(deps.workDir))),
  };
  return [22, 24, 26].map((major) => createNodeRuntime(major, deps, trees));
}

interface PreparedTrees {
  readonly sdk: () => Promise<string>;
  readonly guest: () => Promise<string>;
}

function writeNodeGuest(workDir: string): string {
  const folder = join(guestDirectory, "node");
  const beside = ["warm.mjs", "warm.cjs"].map((name) => ({ name, source: join(folder, name) }));
  return writeGuestScript({
    workDir,
    name: "node-guest",
    entry: join(folder, "boot.mjs"),
    scripts: [{ name: "supervisor.cjs", entry: join(guestDirectory, "extensions/boot.mjs") }],
    beside,
  });
}

/** The binary of a major version, or undefined when its package is not installed. */
export function findNode(major: number): string | undefined {
  const folder = findPackage(nodePackage(major));
  return folder && join(folder, "bin/node");
}

function nodePackage(major: number): string {
  return `node${major}-linux-${process.arch}`;
}

function createNodeRuntime(major: number, deps: NodeRuntimeDeps, trees: PreparedTrees): Runtime {
  const identifier = `nodejs${major}.x`;
  return {
    identifier,
    kind: identifier,
    concurrencyPerCpu: concurrencyPerCpu.node,
    probe: () => Promise.resolve(probeNode(major)),
    async sandboxSpec(size) {
      const binary = findNode(major);
      if (binary === undefined) throw new Error(probeNode(major).reason);
      const listeners = [ports.rejoin, ports.runtimeApi, deps.endpointPort, ports.egressProxy];
      return {
        mounts: [
          { source: binary, target: "/var/lang/bin/node" },
          { source: await trees.guest(), target: "/var/runtime/guest" },
          { source: await trees.sdk(), target: "/var/runtime/node_modules" },
        ],
        links: [...codeLinks, { target: "/var/runtime/node_modules", path: "/node_modules" }],
        command: ["/var/lang/bin/node", "/var/runtime/guest/boot.cjs"],
        environment: {
          SKERRY_LISTENERS: listeners.join(","),
          ...(size.isGeneric === true && { SKERRY_WARM: "1" }),
        },
        listeners,
        memoryMiB: size.memoryMiB,
        scratchMiB: size.scratchMiB,
        cpuMilli: bootCpuMilli,
        pidsMax: processesMax,
      };
    },
    attach: (sandbox, signal) => attachManaged(sandbox, deps, signal),
    compiler: {
      isWorthIt: isWorthCompiling,
      identity: (variables) =>
        ownChoices.some((name) => variables[name]) ? undefined : identityOf(major),
      compile: (sandbox, assignment) =>
        makeCompileCache(deps, { sandbox, assignment, metadata: specialiseFields(assignment) }),
    },
  };
}

/** With one of these a function has no compile cache, or one of its own. */
const ownChoices = ["NODE_DISABLE_COMPILE_CACHE", "NODE_COMPILE_CACHE"];

/** V8 itself compares version and flags; this keeps another build from being offered it at all. */
function identityOf(major: number): string | undefined {
  const binary = findNode(major);
  const status = binary === undefined ? undefined : statSync(binary, { throwIfNoEntry: false });
  return status && `node${major}-${process.arch}-${status.size}-${status.mtimeMs}`;
}

function probeNode(major: number): { readonly usable: boolean; readonly reason: string } {
  const binary = findNode(major);
  if (binary !== undefined) return { usable: true, reason: `Node ${major} at ${binary}` };
  const name = nodePackage(major);
  const source = `npm:node-linux-${process.arch}@${major}`;
  return { usable: false, reason: `Node ${major} is missing. Run: npm install ${name}@${source}` };
}
