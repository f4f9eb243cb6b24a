import { parseArn } from "#base/arn.ts";
import type { Reader } from "#storage/storage.ts";
import { awsManagedPolicy } from "./aws-managed-policies.ts";
import { invalidInput, noSuchEntity } from "./errors.ts";
import { iamArn } from "./names.ts";
import { keys, policyCodec, readRecord, type PolicyRecord } from "./records.ts";

/** The customer's policy behind an ARN of this account, or undefined. */
function findPolicy(
  reader: Reader,
  accountId: string,
  policyArn: string,
): PolicyRecord | undefined {
  const arn = parseArn(policyArn);
  if (arn?.service !== "iam" || arn.accountId !== accountId) return undefined;
  const name = arn.resource.slice(arn.resource.lastIndexOf("/") + 1);
  const record = readRecord(reader, keys.entity(accountId, "policy", name), policyCodec);
  return record && iamArn(accountId, "policy", record) === policyArn ? record : undefined;
}

/** Throws NoSuchEntity. AWS' own policies cannot be changed and are not found here. */
export function loadPolicy(reader: Reader, accountId: string, policyArn: string): PolicyRecord {
  const record = findPolicy(reader, accountId, policyArn);
  if (record) return record;
  throw noSuchEntity(`Policy ${policyArn} was not found.`);
}

/** Name of a policy that can be attached. Throws InvalidInput or NoSuchEntity. */
export function attachableName(reader: Reader, accountId: string, policyArn: string): string {
  if (!/^arn:aws[a-z-]*:iam::(aws|\d{12}):policy\/.+$/.test(policyArn)) {
    throw invalidInput(`ARN ${policyArn} is not valid.`);
  }
  const policy = awsManagedPolicy(policyArn) ?? findPolicy(reader, accountId, policyArn);
  if (policy) return policy.name;
  throw noSuchEntity(`Policy ${policyArn} does not exist or is not attachable.`);
}

/** Throws unless the policy may bound permissions. */
export function checkBoundary(reader: Reader, accountId: string, policyArn: string): void {
  if (!/^arn:aws[a-z-]*:iam::(aws|\d{12}):policy\/.+$/.test(policyArn)) {
    throw invalidInput(`ARN ${policyArn} is not valid.`);
  }
  if (awsManagedPolicy(policyArn) || findPolicy(reader, accountId, policyArn)) return;
  throw noSuchEntity(`Scope ARN: ${policyArn} does not exist or is not attachable.`);
}

/** How many identities have the policy attached, or as their boundary. */
export function countUses(
  reader: Reader,
  accountId: string,
  policyArn: string,
): { readonly attached: number; readonly boundary: number } {
  const count = (as: "attached" | "boundary"): number =>
    [...reader.list(keys.policyUses(accountId, policyArn, as))].length;
  return { attached: count("attached"), boundary: count("boundary") };
}
