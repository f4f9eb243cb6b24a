import type { Logger } from "#base/context.ts";
import type { EnvironmentPool } from "#functions/pool/pool.ts";
import type { Runtime } from "#functions/runtimes/runtimes.ts";
import { type AdminRoute, jsonAnswer } from "#gateway/gateway.ts";
import type { ServiceLoader } from "#protocol/protocol.ts";
import type { Lambda } from "#services/lambda/lambda.ts";
import type { Store } from "#storage/storage.ts";
import type { Observations } from "./observations.ts";
import { resetRoutes } from "./reset.ts";

/** Traces in one answer of `/_skerry/traces`. */
const tracesListed = 50;

/** Hand-overs in one answer of `/_skerry/events`. */
const eventsListed = 500;

/** The platform's own pages, for the command line and people on this machine. */
export function adminRoutes(deps: {
  readonly observations: Observations;
  readonly pool: Pick<EnvironmentPool, "retire">;
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly store: Store;
  readonly log: Logger;
  readonly services: readonly ServiceLoader[];
  /** Only a development server can be emptied by whoever reaches it. */
  readonly resettable: boolean;
}): readonly AdminRoute[] {
  const { observations, runtimes } = deps;
  const routes: AdminRoute[] = [
    {
      method: "GET",
      path: "/_skerry/traces",
      handle: async () => jsonAnswer(200, { traces: await observations.traces(tracesListed) }),
    },
    {
      method: "GET",
      path: "/_skerry/traces/",
      handle: async ({ path }) => {
        const traceId = decodeURIComponent(path.slice("/_skerry/traces/".length));
        return jsonAnswer(200, { traceId, spans: await observations.trace(traceId) });
      },
    },
    {
      method: "GET",
      path: "/_skerry/events",
      handle: async () =>
        jsonAnswer(200, { handovers: await observations.handovers(eventsListed) }),
    },
    {
      method: "GET",
      path: "/_skerry/functions",
      handle: async () => jsonAnswer(200, await observations.functions()),
    },
    {
      method: "GET",
      path: "/_skerry/runtimes",
      handle: async () => jsonAnswer(200, { runtimes: await probeRuntimes(runtimes) }),
    },
  ];
  routes.push({
    method: "GET",
    path: "/_skerry/services",
    handle: async () => jsonAnswer(200, { services: await describeServices(deps.services) }),
  });
  if (deps.resettable) {
    const services = deps.services.map(({ name }) => name);
    routes.push(...resetRoutes({ ...deps, services }));
  }
  return routes;
}

export async function probeRuntimes(
  runtimes: ReadonlyMap<string, Runtime>,
): Promise<{ identifier: string; usable: boolean; reason: string }[]> {
  return Promise.all(
    [...runtimes].map(async ([identifier, runtime]) => ({
      identifier,
      ...(await runtime.probe()),
    })),
  );
}

/** Folder name, the SDK's name, and the operations answered, of every service. */
async function describeServices(
  loaders: readonly ServiceLoader[],
): Promise<{ name: string; sdkId: string; operations: string[] }[]> {
  return Promise.all(
    loaders.map(async (loader) => {
      const { description, operations } = await loader.load();
      return {
        name: loader.name,
        sdkId: description.sdkId,
        operations: [...operations.keys()].toSorted(),
      };
    }),
  );
}

/** Where `GetFunction` points for the code package; the link itself is the permission. */
export function codeRoute(lambda: Pick<Lambda, "codeLinks">): AdminRoute {
  return {
    method: "GET",
    path: "/_skerry/code/",
    isOpen: true,
    handle: async (request) =>
      (await lambda.codeLinks.serve(request)) ??
      jsonAnswer(403, { message: "this link is not valid, or not any more" }),
  };
}
