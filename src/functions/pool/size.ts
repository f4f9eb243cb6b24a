import { memoryMiBPerCpu } from "./limits.ts";

/**
 * CPU share of a memory size, 1000 = one core. "Lambda allocates CPU power in proportion to the amount
 * of memory configured" (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
 */
export function cpuMilliOf(memoryMiB: number): number {
  return Math.max(1, Math.round((memoryMiB * 1000) / memoryMiBPerCpu));
}
