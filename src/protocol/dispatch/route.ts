import type { CredentialGlimpse } from "#protocol/auth/auth.ts";
import type { ServiceLoader } from "#protocol/protocol.ts";
import type { WireRequest } from "#protocol/wire/wire.ts";

/** Which service a request is for, as far as its head tells. */
export type Route =
  | {
      readonly kind: "service";
      readonly loader: ServiceLoader;
      readonly hostRegion: string | undefined;
    }
  /** It is an AWS call, but for a service we do not have. */
  | { readonly kind: "unknown"; readonly name: string }
  /** Nothing names a service; only the operation itself could tell. */
  | { readonly kind: "unnamed" };

/**
 * In order of authority: the host (as the real endpoints decide), the target header, the rpcV2 path,
 * the credential scope.
 */
export function routeRequest(
  request: WireRequest,
  glimpse: CredentialGlimpse | undefined,
  loaders: readonly ServiceLoader[],
): Route {
  const host = readServiceHost(request.headers["host"] ?? "", loaders);
  const hostRegion = host?.region;
  const byHost = host && loaders.find((loader) => loader.endpointPrefix === host.service);
  if (byHost) return { kind: "service", loader: byHost, hostRegion };
  const target = request.headers["x-amz-target"];
  if (target !== undefined) {
    const prefix = target.slice(0, target.lastIndexOf("."));
    const loader = loaders.find((loader) => loader.targetPrefix === prefix);
    if (loader) return { kind: "service", loader, hostRegion };
  }
  const rpcService = /^\/service\/([^/]+)\/operation\//.exec(request.path)?.[1];
  if (rpcService !== undefined && request.headers["smithy-protocol"] !== undefined) {
    const loader = loaders.find((loader) => loader.targetPrefix === rpcService);
    if (loader) return { kind: "service", loader, hostRegion };
  }
  const signingName = glimpse?.signingName;
  const byScope = loaders.find((loader) => loader.signingName === signingName);
  if (byScope) return { kind: "service", loader: byScope, hostRegion };
  const name = host?.service ?? signingName ?? target ?? (rpcService || undefined);
  return name === undefined ? { kind: "unnamed" } : { kind: "unknown", name };
}

const regionForm = /^[a-z]{2}(-[a-z]+)+-\d$/;
const awsSuffixes = [".amazonaws.com", ".localhost.localstack.cloud"];

/**
 * `lambda.us-east-1.amazonaws.com`, `lambda.us-east-1.localhost.localstack.cloud`,
 * `lambda.us-east-1.localhost`, each also without region and with labels in front (a bucket's).
 * `lambda.localhost` counts only when we have such a service: any other label is somebody's own name.
 */
function readServiceHost(
  hostHeader: string,
  loaders: readonly ServiceLoader[],
): { readonly service: string; readonly region: string | undefined } | undefined {
  const host = hostHeader.replace(/:\d+$/, "").toLowerCase();
  const suffix = awsSuffixes.find((suffix) => host.endsWith(suffix));
  if (suffix === undefined && !host.endsWith(".localhost")) return undefined;
  const labels = host.slice(0, -(suffix ?? ".localhost").length).split(".");
  const last = labels.at(-1) ?? "";
  const region = regionForm.test(last) ? last : undefined;
  const service = (region === undefined ? last : labels.at(-2)) ?? "";
  const isKnown = loaders.some((loader) => loader.endpointPrefix === service);
  if (!isKnown && (suffix === undefined || service === "")) return undefined;
  return { service, region };
}
