import type { CredentialGlimpse } from "#protocol/auth/auth.ts";
import type { ServiceLoader } from "#protocol/protocol.ts";
import type { WireRequest } from "#protocol/wire/wire.ts";

/** Which service a request is for, as far as its head tells. */
export type Route =
  | {
      readonly kind: "service";
      readonly loader: ServiceLoader;
      readonly hostRegion: string | undefined;
      /** What the host says of the resource, when the service's resources have host names. */
      readonly resource: string | undefined;
    }
  /** It is an AWS call, but for a service we do not have. */
  | { readonly kind: "unknown"; readonly name: string }
  /** Nothing names a service; only the operation itself could tell. */
  | { readonly kind: "unnamed"; readonly resource: string | undefined };

/**
 * In order of authority: the host (as the real endpoints decide), the target header, the rpcV2 path,
 * the credential scope.
 */
export function routeRequest(
  request: WireRequest,
  glimpse: CredentialGlimpse | undefined,
  { loaders, below }: Known,
): Route {
  const front = below ?? belowBuiltIn(request.headers["host"] ?? "");
  const host = readServiceHost(front, loaders);
  const hostRegion = host?.region;
  const found = (loader: ServiceLoader): Route => {
    const resource = loader.hasVirtualHosts ? (host?.isKnown ? host.resource : front) : undefined;
    return { kind: "service", loader, hostRegion, resource: resource || undefined };
  };
  const byHost = host?.isKnown
    ? loaders.find((loader) => loader.endpointPrefix === host.service)
    : undefined;
  if (byHost) return found(byHost);
  const target = request.headers["x-amz-target"];
  if (target !== undefined) {
    const prefix = target.slice(0, target.lastIndexOf("."));
    const loader = loaders.find((loader) => loader.targetPrefix === prefix);
    if (loader) return found(loader);
  }
  const rpcService = /^\/service\/([^/]+)\/operation\//.exec(request.path)?.[1];
  if (rpcService !== undefined && request.headers["smithy-protocol"] !== undefined) {
    const loader = loaders.find((loader) => loader.targetPrefix === rpcService);
    if (loader) return found(loader);
  }
  const signingName = glimpse?.signingName;
  const byScope = loaders.find((loader) => loader.signingName === signingName);
  if (byScope) return found(byScope);
  const name = host?.service ?? signingName ?? target ?? (rpcService || undefined);
  return name === undefined ? { kind: "unnamed", resource: front } : { kind: "unknown", name };
}

const regionForm = /^[a-z]{2}(-[a-z]+)+-\d$/;
const awsSuffixes = [".amazonaws.com", ".localhost.localstack.cloud"];

/** For requests whose listener does not know by which names the server is known. */
function belowBuiltIn(hostHeader: string): string | undefined {
  const host = hostHeader.replace(/:\d+$/, "").toLowerCase();
  const suffix = [...awsSuffixes, ".localhost"].find((suffix) => host.endsWith(suffix));
  return suffix === undefined ? undefined : host.slice(0, -suffix.length);
}

interface ServiceHost {
  readonly service: string;
  readonly isKnown: boolean;
  readonly region: string | undefined;
  /** The labels in front, a bucket's name for example; may be empty. */
  readonly resource: string;
}

/**
 * `lambda.us-east-1` in front of `.amazonaws.com`, `.localhost` or another name of this server; also
 * without region, with labels in front (a bucket's), with `dualstack` before the region, and in S3's old
 * form `s3-us-west-2` (https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html, seen
 * 2026-11). Without a region only the services we have count: any other label is somebody's own name.
 */
function readServiceHost(
  below: string | undefined,
  loaders: readonly ServiceLoader[],
): ServiceHost | undefined {
  if (below === undefined) return undefined;
  const labels = below.split(".");
  const dashed = /^(s3)-(.+)$/.exec(labels.at(-1) ?? "");
  if (dashed?.[2] !== undefined && regionForm.test(dashed[2])) {
    labels.splice(-1, 1, "s3", dashed[2]);
  }
  const region = regionForm.test(labels.at(-1) ?? "") ? labels.pop() : undefined;
  if (labels.length > 1 && labels.at(-1) === "dualstack") labels.pop();
  const service = labels.pop() ?? "";
  const isKnown = loaders.some((loader) => loader.endpointPrefix === service);
  if (!isKnown && (region === undefined || service === "")) return undefined;
  return { service, isKnown, region, resource: labels.join(".") };
}

interface Known {
  readonly loaders: readonly ServiceLoader[];
  /** See `Arrival.below`. */
  readonly below: string | undefined;
}
