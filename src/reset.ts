import type { Logger } from "#base/context.ts";
import type { EnvironmentPool } from "#functions/pool/pool.ts";
import { type AdminRoute, jsonAnswer } from "#gateway/gateway.ts";
import { keyPrefix } from "#storage/keys.ts";
import type { KeyRange, Store } from "#storage/storage.ts";
import type { Observations } from "./observations.ts";

/** Where services store: the first parts of their keys, by folder; one that is not here uses its folder's name. */
const spaces: Readonly<Record<string, readonly string[]>> = {
  lambda: ["lambda", "functions", "functions/async", "mappings"],
  "cloudwatch-logs": ["logs"],
  eventbridge: ["events"],
};

const everything: KeyRange = { start: new Uint8Array(), end: Uint8Array.of(0xff) };

/** Pages that empty the cloud, or one of its services, without a restart. */
export function resetRoutes(deps: {
  readonly observations: Observations;
  readonly pool: Pick<EnvironmentPool, "retire">;
  readonly store: Store;
  readonly log: Logger;
  /** Folders of the services there are. */
  readonly services: readonly string[];
}): readonly AdminRoute[] {
  const { observations, pool, store, log, services } = deps;
  async function reset(ranges: readonly KeyRange[], service?: string): Promise<void> {
    await store.write((tx) => ranges.forEach((range) => tx.deleteRange(range)));
    const isOfFunctions = service === undefined || service === "lambda";
    const { environments } = isOfFunctions ? await observations.functions() : { environments: [] };
    const arns = new Set(environments.map((entry) => entry.functionArn));
    for (const arn of arns) pool.retire(arn, undefined);
    log.event("platform.reset", { level: "warn", service, environments: arns.size });
  }
  return [
    {
      method: "POST",
      path: "/_skerry/reset",
      async handle() {
        await reset([everything]);
        return jsonAnswer(200, { reset: true });
      },
    },
    {
      method: "POST",
      path: "/_skerry/reset/",
      async handle({ path }) {
        const service = decodeURIComponent(path.slice("/_skerry/reset/".length));
        if (!services.includes(service)) {
          const message = `there is no service ${service}; one of ${services.join(", ")}`;
          return jsonAnswer(404, { message });
        }
        const names = spaces[service] ?? [service];
        await reset(
          names.map((name) => keyPrefix(name)),
          service,
        );
        return jsonAnswer(200, { reset: service });
      },
    },
  ];
}
