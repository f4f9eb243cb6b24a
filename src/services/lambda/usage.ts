import { CodeStorageExceededException } from "@aws-sdk/client-lambda";
import type { RegistryView, Scope } from "#functions/registry/registry.ts";
import { codeStorageBytesMax } from "./limits.ts";

/** Refuses more code than an account may store; call in the transaction that adds it. */
export function checkCodeStorage(view: RegistryView, place: Scope, addedByteCount: number): void {
  if (view.usage(place).codeByteCount + addedByteCount <= codeStorageBytesMax) return;
  throw new CodeStorageExceededException({
    message: "Code storage limit exceeded.",
    Type: "User",
    $metadata: {},
  });
}
