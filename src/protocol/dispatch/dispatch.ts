import { glimpseCredential } from "#protocol/auth/auth.ts";
import type { Arrival, Dispatcher, Operations, ServiceLoader } from "#protocol/protocol.ts";
import { toMatchable } from "#protocol/wire/wire.ts";
import { callOperation } from "./call.ts";
import type { ExchangeDeps, Found } from "./exchange.ts";
import { runExchange } from "./exchange.ts";
import { absentService } from "./failure.ts";
import { routeRequest } from "./route.ts";
import { createServices } from "./services.ts";

export interface DispatcherDeps extends ExchangeDeps {
  readonly loaders: readonly ServiceLoader[];
}

/**
 * One way for every AWS call: find the service, authenticate, decode, authorise, handle, encode.
 * Every failure is answered in the caller's protocol; one event is logged when the answer has ended.
 * Rejects only when a service cannot be loaded.
 */
export function createDispatcher(deps: DispatcherDeps): Dispatcher & Operations {
  const services = createServices(deps.loaders);

  async function find(arrival: Arrival): Promise<Found | undefined> {
    const { request } = arrival;
    const { loaders } = deps;
    const { below } = arrival;
    const route = routeRequest(request, glimpseCredential(request), { loaders, below });
    if (route.kind === "service") return present(route.loader, request, route);
    if (route.kind === "unknown") {
      const service = absentService(route.name, request);
      const absentAmong = deps.loaders.map((loader) => loader.name);
      const name = service.description.sdkId;
      const nowhere = { hostRegion: undefined, resource: undefined };
      return { name, service, ...nowhere, absentAmong, request };
    }
    // A form too large to be read names no operation either.
    const matchable = await toMatchable(request).catch(() => undefined);
    const { resource } = route;
    const loader = matchable && (await services.findByOperation(matchable, resource));
    return loader && present(loader, matchable, { hostRegion: undefined, resource });
  }

  async function present(
    loader: ServiceLoader,
    request: Arrival["request"],
    { hostRegion, resource }: Pick<Found, "hostRegion" | "resource">,
  ): Promise<Found> {
    const service = await services.load(loader);
    const at = { hostRegion, resource: loader.hasVirtualHosts ? resource : undefined };
    return { name: loader.name, service, ...at, absentAmong: undefined, request };
  }

  return {
    async dispatch(arrival) {
      const found = await find(arrival);
      return found && runExchange(deps, arrival, found);
    },
    async resourceOf(arrival) {
      const { request } = arrival;
      // A form of Query names its operation in its body, which is not read for this.
      const type = request.headers["content-type"] ?? "";
      if (type.startsWith("application/x-www-form-urlencoded")) return undefined;
      const found = await find(arrival);
      const loader = deps.loaders.find(({ name }) => name === found?.name);
      if (!found || found.absentAmong || !loader?.hasVirtualHosts) return undefined;
      return (found.resource ?? request.path.split("/")[1]) || undefined;
    },
    call: async (service, operation, input, context) => {
      const loader = deps.loaders.find((loader) => loader.name === service);
      return callOperation(deps, loader && (await services.load(loader)), {
        service,
        operation,
        input,
        context,
      });
    },
  };
}
