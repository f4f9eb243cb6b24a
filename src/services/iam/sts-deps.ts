import type * as StsSdk from "@aws-sdk/client-sts";
import {
  MalformedPolicyDocumentException,
  PackedPolicyTooLargeException,
  STSServiceException,
  type Credentials,
} from "@aws-sdk/client-sts";
import { AuthenticationError, type AuthenticationMode } from "#protocol/auth/auth.ts";
import type { Store } from "#storage/storage.ts";
import { sessionPolicyArnsMax, sessionPolicyCharactersMax } from "./limits.ts";
import { policyProblem } from "./policy-document.ts";
import type { SessionCredentials, Sessions } from "./sessions.ts";

export type Sts = typeof StsSdk;

/** What the operations of STS share: what they may use, how they refuse, how they answer. */
export interface StsDeps {
  readonly store: Store;
  readonly sessions: Sessions;
  /** In open mode a role that nobody created may be assumed, and tokens of others are believed. */
  readonly mode: AuthenticationMode;
}

export const accessDenied = (message: string): Error =>
  new AuthenticationError("AccessDenied", message, 403);

export const stsValidationError = (message: string): Error =>
  new STSServiceException({
    name: "ValidationError",
    $fault: "client",
    message,
    $metadata: {},
  });

export function credentialsShape(credentials: SessionCredentials): Credentials {
  return {
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    SessionToken: credentials.sessionToken,
    Expiration: new Date(credentials.expiresAtMs),
  };
}

/** What limits a session beyond its role, as given to any of the operations. */
export interface SessionLimits {
  readonly Policy?: string | undefined;
  readonly PolicyArns?: readonly { readonly arn?: string | undefined }[] | undefined;
  readonly Tags?:
    | readonly { readonly Key: string | undefined; readonly Value: string | undefined }[]
    | undefined;
}

/** The limits as they go into the session. Throws MalformedPolicyDocument or PackedPolicyTooLarge. */
export function sessionLimits(input: SessionLimits): {
  readonly content: {
    readonly policy?: string;
    readonly policyArns?: readonly string[];
    readonly tags?: readonly { readonly Key: string; readonly Value: string }[];
  };
  /** Per cent of what may be passed; undefined when nothing was. */
  readonly packedPercent: number | undefined;
} {
  const { Policy: policy } = input;
  const policyArns = (input.PolicyArns ?? []).flatMap(({ arn }) =>
    arn === undefined ? [] : [arn],
  );
  const tags = (input.Tags ?? []).map(({ Key = "", Value = "" }) => ({ Key, Value }));
  const problem = policy === undefined ? undefined : policyProblem(policy, "session");
  if (problem !== undefined) {
    throw new MalformedPolicyDocumentException({ message: problem, $metadata: {} });
  }
  if (policyArns.length > sessionPolicyArnsMax) {
    throw stsValidationError(
      `1 validation error detected: Value '[${policyArns.join(", ")}]' at 'policyArns' failed to ` +
        `satisfy constraint: Member must have length less than or equal to ${sessionPolicyArnsMax}`,
    );
  }
  const packedPercent = percentOf([
    policy ?? "",
    ...policyArns,
    ...tags.map((t) => t.Key + t.Value),
  ]);
  return {
    content: {
      ...(policy !== undefined && { policy }),
      ...(policyArns.length > 0 && { policyArns }),
      ...(tags.length > 0 && { tags }),
    },
    packedPercent,
  };
}

/** AWS packs into a binary form it does not describe; this counts characters, which is stricter. */
function percentOf(texts: readonly string[]): number | undefined {
  let characters = 0;
  for (const text of texts) characters += text.length;
  if (characters === 0) return undefined;
  const percent = Math.ceil((characters * 100) / (2 * sessionPolicyCharactersMax));
  if (percent <= 100) return percent;
  throw new PackedPolicyTooLargeException({
    message: `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`,
    $metadata: {},
  });
}
