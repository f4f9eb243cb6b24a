import { bootCpuMilli, ports, processesMax } from "./limits.ts";
import { codeLinks, findNode, guestDirectory } from "./node.ts";
import { attachRuntimeApi } from "./runtime-api/guest.ts";
import type { RuntimeApiGuestDeps } from "./runtime-api/guest.ts";
import type { Runtime } from "./runtimes.ts";

/** Custom runtimes: an executable named `bootstrap` that speaks the Lambda Runtime API over HTTP. */
export function createProvidedRuntimes(deps: RuntimeApiGuestDeps): readonly Runtime[] {
  return ["provided.al2023", "provided.al2"].map((identifier) => ({
    identifier,
    // Both run on this host's own libraries, so their sandboxes are the same.
    kind: "provided",
    probe: () =>
      Promise.resolve({ usable: true, reason: "runs any executable named bootstrap on this host" }),
    sandboxSpec: (size) => {
      const listeners = [ports.runtimeApi, deps.endpointPort, ports.egressProxy];
      return Promise.resolve({
        mounts: [
          { source: findNode(26) ?? process.execPath, target: "/var/lang/bin/node" },
          { source: guestDirectory, target: "/var/runtime/guest" },
        ],
        links: codeLinks,
        command: ["/var/lang/bin/node", "/var/runtime/guest/provided/boot.mjs"],
        environment: { SKERRY_LISTENERS: listeners.join(",") },
        listeners,
        memoryMiB: size.memoryMiB,
        scratchMiB: size.scratchMiB,
        cpuMilli: bootCpuMilli,
        pidsMax: processesMax,
      });
    },
    attach: (sandbox, signal) => attachRuntimeApi(sandbox, deps, signal),
  }));
}
