import { isIP } from "node:net";
import { randomBase32 } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import type { FunctionUrl, FunctionUrlTable } from "./url-table.ts";
import type { LambdaScope } from "./dependencies.ts";
import { invalid } from "./errors.ts";
import { allowsPublicUrl } from "./policy.ts";
import { policies, type Tags, type UrlRecord, urls, urlTargets } from "./records.ts";
import { urlIdTag } from "./tags.ts";

/** Length of the ids the service gives out. */
const idLength = 32;

/** The id in a new URL: random, or what the tag asks for (an alias' URL gets its name behind it). */
export function newUrlId(tags: Tags, qualifier: string | undefined, random: Random): string {
  const wished = tags[urlIdTag];
  if (wished === undefined) return randomBase32(random, idLength);
  const id = qualifier === undefined ? wished : `${wished}-${qualifier}`;
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(id)) return id;
  throw invalid(
    `The tag ${urlIdTag} must give a host label of at most 63 lower-case letters, digits and hyphens, not '${id}'.`,
  );
}

/**
 * The address under which a URL answers, on the host and port the caller reached us at:
 * `http://<id>.lambda-url.<region>.localhost:4566/`.
 */
export function urlAddress(endpoint: string, region: string, urlId: string): string {
  const { protocol, hostname, port } = new URL(endpoint);
  const behind = port === "" ? "" : `:${port}`;
  return `${protocol}//${urlId}.lambda-url.${region}.${baseHost(hostname)}${behind}/`;
}

/** Addresses have no subdomains, and a service's own host name is not part of ours. */
function baseHost(hostname: string): string {
  if (isIP(hostname.replace(/^\[|\]$/g, "")) !== 0) return "localhost";
  for (const base of ["localhost.localstack.cloud", "localhost"]) {
    if (hostname === base || hostname.endsWith(`.${base}`)) return base;
  }
  return hostname;
}

/** The data plane's view: by id, cached, gone at once when deleted. */
export function createFunctionUrlTable(
  scope: Pick<LambdaScope, "store" | "cache">,
): FunctionUrlTable {
  return {
    find: (urlId, region) =>
      scope.cache.get(`url/${region}/${urlId}`, () =>
        scope.store.read((reader) => {
          const target = urlTargets.get(reader, region, urlId);
          if (!target) return undefined;
          const sub = target.qualifier ?? "";
          const record = urls.get(reader, target, sub);
          const publicAllowed = allowsPublicUrl(policies.get(reader, target, sub));
          return record && urlOf(record, { target, publicAllowed });
        }),
      ),
  };
}

function urlOf(
  record: UrlRecord,
  rest: Pick<FunctionUrl, "target" | "publicAllowed">,
): FunctionUrl {
  const { cors } = record;
  return {
    ...rest,
    authType: record.authType,
    invokeMode: record.invokeMode,
    cors: cors && {
      allowCredentials: cors.AllowCredentials ?? false,
      allowHeaders: cors.AllowHeaders ?? [],
      allowMethods: cors.AllowMethods ?? [],
      allowOrigins: cors.AllowOrigins ?? [],
      exposeHeaders: cors.ExposeHeaders ?? [],
      maxAgeSeconds: cors.MaxAge,
    },
  };
}
