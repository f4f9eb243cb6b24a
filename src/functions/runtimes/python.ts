import { basename, join } from "node:path";
import { bootCpuMilli, concurrencyPerCpu, ports, processesMax } from "./limits.ts";
import { attachManaged } from "./managed-guest.ts";
import type { ManagedGuestDeps } from "./managed-guest.ts";
import { codeLinks, guestDirectory } from "./node.ts";
import { projectRoot } from "./node-packages.ts";
import { once } from "./once.ts";
import { pythonGuest } from "./python-guest.ts";
import type { PythonGuestDeps } from "./python-guest.ts";
import { findPython } from "./python-hosts.ts";
import type { PythonHost, PythonSearch } from "./python-hosts.ts";
import { buildBotoTree, findBoto } from "./python-packages.ts";
import type { Runtime } from "./runtimes.ts";

/** Versions Lambda offers or has announced (developer guide, "Lambda runtimes", November 2026). */
const versions = ["3.11", "3.12", "3.13", "3.14"];
/** "Python 3.13 and later" (developer guide, "Lambda Managed Instances runtimes", November 2026). */
const versionsWithoutConcurrency = new Set(["3.11", "3.12"]);

const guestTarget = "/var/runtime/guest";
/**
 * -S: what customers may import is decided by the guest. -u: prints appear as they are made. -B: no byte
 * code is written into the installed guest.
 */
const flags = ["-S", "-u", "-B"];

export interface PythonRuntimeDeps extends ManagedGuestDeps, PythonGuestDeps {
  readonly search: PythonSearch;
  /** A folder with boto3 that goes before all others; undefined to look for one. */
  readonly packages: string | undefined;
}

/** Lambda's Python runtimes, each by the interpreter of that version found on this host. */
export function createPythonRuntimes(deps: PythonRuntimeDeps): readonly Runtime[] {
  const botoTree = once(() => buildBotoTree(deps.workDir, packageFolders(deps)));
  return versions.map((version) => createPythonRuntime(version, deps, botoTree));
}

function createPythonRuntime(
  version: string,
  deps: PythonRuntimeDeps,
  botoTree: () => Promise<string | undefined>,
): Runtime {
  const identifier = `python${version}`;
  const guest = once(async () => {
    const host = findPython(version, deps.search);
    if (!host) throw new Error(probePython(version, deps).reason);
    const { mounts, program, environment } = mountsOf(host, deps.emptyTree);
    return pythonGuest(deps, host, {
      mounts: [...mounts, { source: guestDirectory, target: guestTarget }],
      command: [program, ...flags, `${guestTarget}/python/compile.py`],
      environment: { ...environment, SKERRY_LISTENERS: "", LANG: "C.UTF-8" },
    });
  });
  return {
    identifier,
    kind: identifier,
    ...(!versionsWithoutConcurrency.has(version) && {
      concurrencyPerCpu: concurrencyPerCpu.python,
    }),
    probe: () => Promise.resolve(probePython(version, deps)),
    async sandboxSpec(size) {
      const host = findPython(version, deps.search);
      if (!host) throw new Error(probePython(version, deps).reason);
      const packages = await botoTree();
      const listeners = [deps.endpointPort, ports.egressProxy];
      const interpreter = mountsOf(host, deps.emptyTree);
      return {
        mounts: [
          ...interpreter.mounts,
          { source: await guest(), target: guestTarget },
          ...(packages === undefined ? [] : [{ source: packages, target: "/var/runtime/python" }]),
        ],
        links: codeLinks,
        command: [interpreter.program, ...flags, `${guestTarget}/python/boot.py`],
        environment: {
          SKERRY_LISTENERS: listeners.join(","),
          LANG: "C.UTF-8",
          ...(size.isGeneric === true && { SKERRY_WARM: "1" }),
          ...interpreter.environment,
        },
        listeners,
        memoryMiB: size.memoryMiB,
        scratchMiB: size.scratchMiB,
        cpuMilli: bootCpuMilli,
        pidsMax: processesMax,
      };
    },
    attach: (sandbox, signal) => attachManaged(sandbox, deps, signal),
  };
}

interface Interpreter {
  readonly mounts: readonly { readonly source: string; readonly target: string }[];
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Sandboxes see /usr anyway; other interpreters appear below /var/lang, where AWS has them too. */
function mountsOf(host: PythonHost, emptyTree: string): Interpreter {
  const program = `/var/lang/bin/python${host.version}`;
  if (host.prefix === "/usr") return { mounts: [], program: host.executable, environment: {} };
  const library = `/var/lang/lib/python${host.version}`;
  const shared = host.sharedLibraries.map((source) => ({
    source,
    target: `/var/lang/lib/${basename(source)}`,
  }));
  return {
    mounts: [
      { source: host.executable, target: program },
      { source: host.library, target: library },
      // Packages installed on the host are not part of the runtime.
      { source: emptyTree, target: `${library}/site-packages` },
      ...shared,
    ],
    program,
    environment: shared.length > 0 ? { LD_LIBRARY_PATH: "/var/lang/lib" } : {},
  };
}

function packageFolders(deps: PythonRuntimeDeps): readonly string[] {
  const hosts = versions.map((version) => findPython(version, deps.search));
  return [
    ...(deps.packages === undefined ? [] : [deps.packages]),
    ...hosts.flatMap((host) => host?.packageFolders ?? []),
    ...versions.map((version) => join(projectRoot, `.venv/lib/python${version}/site-packages`)),
  ];
}

function probePython(
  version: string,
  deps: PythonRuntimeDeps,
): { readonly usable: boolean; readonly reason: string } {
  const host = findPython(version, deps.search);
  if (!host) {
    const reason = `Python ${version} is missing. Run: apt-get install python${version} (or: pyenv install ${version})`;
    return { usable: false, reason };
  }
  const found = `Python ${version} at ${host.executable}`;
  if (findBoto(packageFolders(deps)) !== undefined) return { usable: true, reason: found };
  const hint =
    "python3 -m pip install --target DIR boto3, then start Skerry with --python-packages DIR";
  return { usable: true, reason: `${found}; functions find no boto3. Run: ${hint}` };
}
