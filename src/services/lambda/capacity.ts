import type { Capacity } from "#functions/registry/registry.ts";
import type { Input } from "./dependencies.ts";
import { invalid, unsupported } from "./errors.ts";
import { capacityMemoryMiBPerCpu, concurrencyMax } from "./limits.ts";

/** What of a function its capacity depends on. */
interface Host {
  readonly runtime: string;
  readonly memoryMiB: number;
  /** Undefined for runtimes that run one invocation at a time. */
  readonly concurrencyPerCpu: number | undefined;
}

/**
 * `base` with what the caller asked for. The capacity provider is this host, whatever its ARN. Unless it is
 * named, concurrency is the runtime's default per vCPU; a vCPU comes with 2 GiB of memory
 * (https://docs.aws.amazon.com/lambda/latest/api/API_LambdaManagedInstancesCapacityProviderConfig.html). Errors:
 * InvalidParameterValueException for runtimes and members that cannot be honoured.
 */
export function capacityFrom(
  base: Capacity | undefined,
  input: Input<"UpdateFunctionConfiguration">["CapacityProviderConfig"],
  host: Host,
): Capacity | undefined {
  const wished = input?.LambdaManagedInstancesCapacityProviderConfig;
  if (!wished && !base) return undefined;
  const { concurrencyPerCpu, memoryMiB, runtime } = host;
  if (concurrencyPerCpu === undefined) {
    throw unsupported(
      "CapacityProviderConfig",
      `functions of ${runtime} run one invocation at a time`,
    );
  }
  if (!wished) return base;
  if (wished.ExecutionEnvironmentMemoryGiBPerVCpu !== undefined) {
    throw unsupported(
      "ExecutionEnvironmentMemoryGiBPerVCpu",
      "the share of a processor follows from MemorySize",
    );
  }
  const cpuCount = Math.max(1, Math.floor(memoryMiB / capacityMemoryMiBPerCpu));
  const fallback = Math.min(concurrencyMax, concurrencyPerCpu * cpuCount);
  return {
    providerArn: wished.CapacityProviderArn ?? "", // required by the model, checked before
    concurrency: wished.PerExecutionEnvironmentMaxConcurrency ?? fallback,
  };
}

/**
 * "Functions using Lambda Managed Instances always use the structured JSON log format"
 * (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-python-runtime.html): lines of several
 * invocations interleave, and only their `requestId` tells them apart.
 */
export function checkLogFormat(format: string | undefined): void {
  if (format === "Text")
    throw invalid(
      "LogFormat Text is not supported with CapacityProviderConfig: such functions log JSON.",
    );
}
