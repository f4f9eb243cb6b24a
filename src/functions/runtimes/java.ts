import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "#base/context.ts";
import type { SandboxDriver, SandboxSpec } from "#functions/sandbox/sandbox.ts";
import { javaArchive } from "./java-archive.ts";
import { findJava } from "./java-hosts.ts";
import type { JavaHost, JavaSearch } from "./java-hosts.ts";
import { bootCpuMilli, ports, processesMax } from "./limits.ts";
import { codeLinks, findNode, guestDirectory } from "./node.ts";
import { projectRoot } from "./node-packages.ts";
import { once } from "./once.ts";
import { attachRuntimeApi } from "./runtime-api/guest.ts";
import type { RuntimeApiGuestDeps } from "./runtime-api/guest.ts";
import type { Runtime } from "./runtimes.ts";

/** Versions Lambda offers (developer guide, "Lambda runtimes", November 2026) on Amazon Linux 2023, and java17. */
const majors = [17, 21, 25];

export interface JavaRuntimeDeps extends RuntimeApiGuestDeps {
  readonly workDir: string;
  readonly search: JavaSearch;
  /** A folder with the jars of AWS's runtime interface client; undefined for `.java-client` of this package. */
  readonly client: string | undefined;
  readonly driver: SandboxDriver | undefined;
  readonly log: Logger | undefined;
}

/**
 * Lambda's Java runtimes: the Java of that version found on this host runs AWS's published runtime
 * interface client (`guest/java/pom.xml` says which), which speaks the Runtime API.
 */
export function createJavaRuntimes(deps: JavaRuntimeDeps): readonly Runtime[] {
  return majors.map((major) => createJavaRuntime(major, deps));
}

function createJavaRuntime(major: number, deps: JavaRuntimeDeps): Runtime {
  const identifier = `java${major}`;
  const client = deps.client ?? join(projectRoot, ".java-client");
  const prepare = once(async () => {
    const host = findJava(major, deps.search);
    if (!host || !hasClient(client)) throw new Error(probeJava(major, deps, client).reason);
    const parts = sharedParts(host, client);
    const training = {
      ...parts,
      command: ["/var/runtime/bin/node", "/var/runtime/guest/java/train.mjs"],
      environment: { ...parts.environment, SKERRY_LISTENERS: "" },
    };
    const archive = await javaArchive(deps, { build: host.build, clientFolder: client, training });
    return { ...parts, archive };
  });
  return {
    identifier,
    kind: identifier,
    probe: () => Promise.resolve(probeJava(major, deps, client)),
    async sandboxSpec(size) {
      const { mounts, environment, archive } = await prepare();
      const listeners = [ports.runtimeApi, deps.endpointPort, ports.egressProxy];
      return {
        mounts:
          archive === undefined
            ? mounts
            : [...mounts, { source: archive, target: "/var/runtime/archive" }],
        links: codeLinks,
        command: ["/var/runtime/bin/node", "/var/runtime/guest/java/boot.mjs"],
        environment: { ...environment, SKERRY_LISTENERS: listeners.join(",") },
        listeners,
        memoryMiB: size.memoryMiB,
        scratchMiB: size.scratchMiB,
        cpuMilli: bootCpuMilli,
        pidsMax: processesMax,
      };
    },
    attach: (sandbox, signal) => attachRuntimeApi(sandbox, deps, signal),
  };
}

function sharedParts(host: JavaHost, client: string): Pick<SandboxSpec, "mounts" | "environment"> {
  return {
    mounts: [
      { source: host.home, target: "/var/lang" },
      { source: findNode(26) ?? process.execPath, target: "/var/runtime/bin/node" },
      { source: guestDirectory, target: "/var/runtime/guest" },
      { source: client, target: "/var/runtime/lib" },
    ],
    environment: { SKERRY_JAVA_MAJOR: String(host.major) },
  };
}

function hasClient(folder: string): boolean {
  try {
    const names = readdirSync(folder);
    return names.some((name) => /^aws-lambda-java-runtime-interface-client-.*\.jar$/.test(name));
  } catch {
    return false;
  }
}

function probeJava(
  major: number,
  deps: JavaRuntimeDeps,
  client: string,
): { readonly usable: boolean; readonly reason: string } {
  const host = findJava(major, deps.search);
  if (!host) {
    const reason = `Java ${major} is missing. Run: apt-get install openjdk-${major}-jdk-headless (or set JAVA_HOME to one)`;
    return { usable: false, reason };
  }
  const found = `Java ${host.build} at ${host.home}`;
  if (hasClient(client)) return { usable: true, reason: found };
  const pom = join(guestDirectory, "java/pom.xml");
  const reason =
    `${found}, but AWS's Java client is missing. Run: mvn -f ${pom} dependency:copy-dependencies ` +
    "-DoutputDirectory=DIR, then start Skerry with --java-client DIR";
  return { usable: false, reason };
}
