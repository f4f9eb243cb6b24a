import type { StreamSpecification } from "@aws-sdk/client-dynamodb";
import type { StreamViewType } from "../stream-records.ts";
import { invalidParameters } from "../values/values.ts";

/** The view type of a stream that is wanted; undefined for none. Throws ValidationException. */
export function streamChoice(given: StreamSpecification | undefined): StreamViewType | undefined {
  if (!given) return undefined;
  const { StreamEnabled: isEnabled = false, StreamViewType: viewType } = given;
  if (!isEnabled) {
    if (viewType === undefined) return undefined;
    throw invalidParameters("StreamViewType cannot be specified when StreamEnabled is false");
  }
  if (viewType === undefined) {
    throw invalidParameters("StreamViewType must be specified when StreamEnabled is true");
  }
  return viewType;
}

/** The last part of a stream's ARN: ISO time without its zone. */
export function streamLabelAt(nowMs: number): string {
  return new Date(nowMs).toISOString().replace("Z", "");
}
