import { unreachable } from "#base/assert.ts";
import type { Handler } from "#protocol/service/service.ts";
import type { Principal } from "#base/context.ts";
import type { Reader } from "#storage/storage.ts";
import { callerOf, idOfUnknownRole } from "../callers.ts";
import { findIdentity } from "../identities.ts";
import { accountOfAccessKeyId } from "../names.ts";
import { stsValidationError, type Sts, type StsDeps } from "../sts-deps.ts";

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html; no permission needed. */
export function getCallerIdentity({ store }: StsDeps): Handler<Sts, "GetCallerIdentity"> {
  return async (_input, { principal }) => {
    const userId = await store.read((reader) => userIdOf(reader, principal));
    return { UserId: userId, Account: principal.accountId, Arn: principal.arn };
  };
}

/** The forms of `aws:userid`: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable */
function userIdOf(reader: Reader, { arn, accountId }: Principal): string {
  const caller = callerOf({ arn, accountId });
  switch (caller.kind) {
    case "user":
      return findIdentity(reader, accountId, caller)?.id ?? accountId;
    case "role": {
      const role = findIdentity(reader, accountId, caller);
      const roleArn = `arn:aws:iam::${accountId}:role/${caller.name}`;
      return `${role?.id ?? idOfUnknownRole(roleArn)}:${caller.sessionName}`;
    }
    case "federated":
      return `${accountId}:${caller.name}`;
    case "root":
    case "unknown":
      return accountId;
    default:
      return unreachable(caller);
  }
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html: the id itself says it. */
export function getAccessKeyInfo(): Handler<Sts, "GetAccessKeyInfo"> {
  return async ({ AccessKeyId }) => {
    const Account = accountOfAccessKeyId(AccessKeyId);
    if (Account === undefined) {
      throw stsValidationError(`The access key ID ${AccessKeyId} is not valid.`);
    }
    return { Account };
  };
}
