import { createHash } from "node:crypto";
import type { Principal } from "#base/context.ts";
import { parseArn } from "#base/arn.ts";

/** Who a principal is, read off its ARN. Pure. */
export type Caller =
  | { readonly kind: "root" }
  | { readonly kind: "user"; readonly name: string }
  | { readonly kind: "role"; readonly name: string; readonly sessionName: string }
  | { readonly kind: "federated"; readonly name: string }
  | { readonly kind: "unknown" };

export function callerOf(principal: Principal): Caller {
  const arn = parseArn(principal.arn);
  const [type, ...rest] = (arn?.resource ?? "").split("/");
  const last = rest.at(-1);
  if (arn?.service === "iam" && arn.resource === "root") return { kind: "root" };
  if (arn?.service === "iam" && type === "user" && last) return { kind: "user", name: last };
  if (arn?.service === "sts" && type === "federated-user" && last) {
    return { kind: "federated", name: last };
  }
  const [role, sessionName] = rest;
  if (arn?.service === "sts" && type === "assumed-role" && role && sessionName) {
    return { kind: "role", name: role, sessionName };
  }
  return { kind: "unknown" };
}

/** Undefined when the caller is not a user. */
export function callerUserName(principal: Principal): string | undefined {
  const caller = callerOf(principal);
  return caller.kind === "user" ? caller.name : undefined;
}

/** An id for a role nobody created (open mode only): the same for the same ARN, on every machine. */
export function idOfUnknownRole(roleArn: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let id = "AROA";
  for (const byte of createHash("sha256").update(roleArn).digest().subarray(0, 17)) {
    id += alphabet.charAt(byte & 31);
  }
  return id;
}
