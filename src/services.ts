import type { ServiceLoader } from "#protocol/protocol.ts";
import type { Service } from "#protocol/service/service.ts";
import type { CloudwatchLogs } from "#services/cloudwatch-logs/cloudwatch-logs.ts";
import type { Iam } from "#services/iam/iam.ts";
import type { Lambda } from "#services/lambda/lambda.ts";

/** Every service there is. Adding one adds a member here and a line below. */
export interface Services {
  readonly lambda: Lambda;
  readonly logs: CloudwatchLogs;
  readonly iam: Iam;
}

/** How the dispatcher finds them, by host label, credential scope or target header. */
export function serviceLoaders(services: Services): readonly ServiceLoader[] {
  return [
    loader("lambda", services.lambda.service),
    loader("cloudwatch-logs", services.logs.service),
    loader("iam", services.iam.iam),
    loader("sts", services.iam.sts),
  ];
}

/** A service as the dispatcher sees it; `name` is its folder. */
export function loader(name: string, service: Service): ServiceLoader {
  const { signingName, endpointPrefix, targetPrefix, overlapping } = service.description;
  return {
    name,
    signingName,
    endpointPrefix,
    ...(targetPrefix !== undefined && { targetPrefix }),
    ...(overlapping && { hasVirtualHosts: true }),
    load: async () => service,
  };
}
