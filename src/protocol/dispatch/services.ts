import type { ServiceLoader } from "#protocol/protocol.ts";
import type { Service } from "#protocol/service/service.ts";
import { wireProtocols } from "#protocol/wire/wire.ts";
import type { MatchableRequest } from "#protocol/wire/wire.ts";

/** Services by their loaders, each loaded once on first use; a failed load is tried again. */
export interface Services {
  load(loader: ServiceLoader): Promise<Service>;
  /**
   * For a request that names no service (unsigned, at a bare host): the one whose Query action and
   * version, or whose REST path, it is. Loads services until one matches. What nobody claims and names
   * a resource in its host or path is for the service whose resources have host names (links to public
   * objects are such requests).
   */
  findByOperation(
    request: MatchableRequest,
    resource: string | undefined,
  ): Promise<ServiceLoader | undefined>;
}

export function createServices(loaders: readonly ServiceLoader[]): Services {
  const loading = new Map<ServiceLoader, Promise<Service>>();

  function load(loader: ServiceLoader): Promise<Service> {
    let promise = loading.get(loader);
    if (!promise) {
      promise = loader.load();
      loading.set(loader, promise);
      promise.catch(() => loading.delete(loader));
    }
    return promise;
  }
  return {
    load,
    async findByOperation(request, resource) {
      const query = new URLSearchParams(request.rawQuery);
      const action = request.form?.get("Action") ?? query.get("Action");
      const version = request.form?.get("Version") ?? query.get("Version");
      for (const loader of loaders) {
        const service = await load(loader);
        const isMatch =
          action === null
            ? matchesRest(request, service)
            : service.description.apiVersion === version;
        if (isMatch) return loader;
      }
      if (!resource && (request.path === "/" || action !== null)) return undefined;
      return loaders.find((loader) => loader.hasVirtualHosts);
    },
  };
}

/** Only restJson paths tell: S3's would match anything. */
function matchesRest(request: MatchableRequest, service: Service): boolean {
  if (!service.description.protocols.includes("restJson1")) return false;
  return wireProtocols.get("restJson1")?.match(request, service)?.operation !== undefined;
}
