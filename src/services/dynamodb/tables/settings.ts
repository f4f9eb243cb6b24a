import type {
  OnDemandThroughput,
  SSESpecification,
  WarmThroughput,
} from "@aws-sdk/client-dynamodb";
import { invalidParameters, validation } from "../values/values.ts";
import type { OnDemandMaximum, Place, TableRecord, WarmUnits } from "./records.ts";

/**
 * Encryption is described, not done: the disk is the operator's. Undefined is the key DynamoDB owns, of
 * which no description says anything (API_SSESpecification).
 */
export function encryptionOf(
  given: SSESpecification | undefined,
  { accountId, region }: Place,
): TableRecord["encryption"] {
  if (!given?.Enabled) {
    if (given?.KMSMasterKeyId !== undefined) {
      throw invalidParameters("KMSMasterKeyId can not be specified when SSE is not enabled");
    }
    return undefined;
  }
  if (given.SSEType === "AES256") throw invalidParameters("SSEType AES256 is not supported");
  const id = given.KMSMasterKeyId ?? "alias/aws/dynamodb";
  const resource = id.startsWith("alias/") ? id : `key/${id}`;
  const keyArn = id.startsWith("arn:") ? id : `arn:aws:kms:${region}:${accountId}:${resource}`;
  return { type: "KMS", keyArn };
}

/** Throws ValidationException. -1 takes a maximum away. */
export function onDemandOf(
  given: OnDemandThroughput | undefined,
  mode: "PROVISIONED" | "PAY_PER_REQUEST",
): OnDemandMaximum | undefined {
  if (!given) return undefined;
  if (mode === "PROVISIONED") {
    throw invalidParameters(
      "OnDemandThroughput cannot be specified when BillingMode is PROVISIONED",
    );
  }
  const { MaxReadRequestUnits: read, MaxWriteRequestUnits: write } = given;
  for (const [name, value] of Object.entries({
    MaxReadRequestUnits: read,
    MaxWriteRequestUnits: write,
  })) {
    if (value !== undefined && value < 1 && value !== -1) {
      throw validation(`Given value ${value} for ${name} is out of bounds`);
    }
  }
  return {
    ...(read !== undefined && { read }),
    ...(write !== undefined && { write }),
  };
}

/** Stored and told; nothing here needs warming. */
export function warmOf(given: WarmThroughput | undefined): WarmUnits | undefined {
  if (!given) return undefined;
  const { ReadUnitsPerSecond: read = 12_000, WriteUnitsPerSecond: write = 4_000 } = given;
  for (const [name, value] of Object.entries({
    ReadUnitsPerSecond: read,
    WriteUnitsPerSecond: write,
  })) {
    if (value < 1) throw validation(`Given value ${value} for ${name} is out of bounds`);
  }
  return { read, write };
}
