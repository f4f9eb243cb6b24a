import { addressOfArn } from "./addresses.ts";
import type { QueueAddress } from "./records.ts";

/** Where messages go that were received too often. */
export interface RedrivePolicy {
  readonly deadLetterQueue: QueueAddress;
  readonly deadLetterArn: string;
  readonly maxReceiveCount: number;
}

/** Of a policy that `checkRedrivePolicy` has passed. */
export function parseRedrivePolicy(text: string): RedrivePolicy | undefined {
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(text) as Record<string, unknown>; // checked before it was stored
  const deadLetterArn = String(deadLetterTargetArn);
  const deadLetterQueue = addressOfArn(deadLetterArn);
  return (
    deadLetterQueue && { deadLetterQueue, deadLetterArn, maxReceiveCount: Number(maxReceiveCount) }
  );
}
