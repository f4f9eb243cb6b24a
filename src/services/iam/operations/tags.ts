import {
  ListInstanceProfileTags$,
  ListPolicyTags$,
  ListRoleTags$,
  ListUserTags$,
  TagInstanceProfile$,
  TagPolicy$,
  TagRole$,
  TagUser$,
  UntagInstanceProfile$,
  UntagPolicy$,
  UntagRole$,
  UntagUser$,
} from "@aws-sdk/client-iam";
import type { Tag as SdkTag } from "@aws-sdk/client-iam";
import type { RequestContext } from "#base/context.ts";
import type { Reader, Transaction } from "#storage/storage.ts";
import type { IamDeps, IamRows } from "../deps.ts";
import { loadProfile, loadRole, loadUser, saveIdentity, saveProfile } from "../identities.ts";
import { pageEnd, pageOfList, type PageRequest } from "../pages.ts";
import { loadPolicy } from "../policy-references.ts";
import { keys, policyCodec, type Tag } from "../records.ts";
import { sdkTags } from "../shapes.ts";
import { mergeTags, withoutTags, type GivenTag } from "../tags.ts";

/** Tags of roles, users, policies and instance profiles: the same three operations for each. */
export function tagOperations(deps: IamDeps): IamRows {
  return {
    TagRole: [TagRole$, (i, c) => add(deps, role(i.RoleName, c), i.Tags)],
    TagUser: [TagUser$, (i, c) => add(deps, user(i.UserName, c), i.Tags)],
    TagPolicy: [TagPolicy$, (i, c) => add(deps, policy(i.PolicyArn, c), i.Tags)],
    TagInstanceProfile: [
      TagInstanceProfile$,
      (i, c) => add(deps, profile(i.InstanceProfileName, c), i.Tags),
    ],
    UntagRole: [UntagRole$, (i, c) => remove(deps, role(i.RoleName, c), i.TagKeys)],
    UntagUser: [UntagUser$, (i, c) => remove(deps, user(i.UserName, c), i.TagKeys)],
    UntagPolicy: [UntagPolicy$, (i, c) => remove(deps, policy(i.PolicyArn, c), i.TagKeys)],
    UntagInstanceProfile: [
      UntagInstanceProfile$,
      (i, c) => remove(deps, profile(i.InstanceProfileName, c), i.TagKeys),
    ],
    ListRoleTags: [ListRoleTags$, (i, c) => list(deps, role(i.RoleName, c), i)],
    ListUserTags: [ListUserTags$, (i, c) => list(deps, user(i.UserName, c), i)],
    ListPolicyTags: [ListPolicyTags$, (i, c) => list(deps, policy(i.PolicyArn, c), i)],
    ListInstanceProfileTags: [
      ListInstanceProfileTags$,
      (i, c) => list(deps, profile(i.InstanceProfileName, c), i),
    ],
  };
}

/** Something with tags, wherever they are kept. */
interface Tagged {
  load(reader: Reader): readonly Tag[];
  save(tx: Transaction, tags: readonly Tag[]): void;
}

function role(name: string, { principal: { accountId } }: RequestContext): Tagged {
  return {
    load: (reader) => loadRole(reader, accountId, name).tags,
    save: (tx, tags) => saveIdentity(tx, accountId, { ...loadRole(tx, accountId, name), tags }),
  };
}

function user(name: string, { principal: { accountId } }: RequestContext): Tagged {
  return {
    load: (reader) => loadUser(reader, accountId, name).tags,
    save: (tx, tags) => saveIdentity(tx, accountId, { ...loadUser(tx, accountId, name), tags }),
  };
}

function policy(policyArn: string, { principal: { accountId } }: RequestContext): Tagged {
  return {
    load: (reader) => loadPolicy(reader, accountId, policyArn).tags,
    save(tx, tags) {
      const record = { ...loadPolicy(tx, accountId, policyArn), tags };
      tx.put(keys.entity(accountId, "policy", record.name), policyCodec.encode(record));
    },
  };
}

function profile(name: string, { principal: { accountId } }: RequestContext): Tagged {
  return {
    load: (reader) => loadProfile(reader, accountId, name).tags,
    save: (tx, tags) => saveProfile(tx, accountId, { ...loadProfile(tx, accountId, name), tags }),
  };
}

async function add(deps: IamDeps, tagged: Tagged, tags: readonly GivenTag[]): Promise<object> {
  await deps.store.write((tx) => tagged.save(tx, mergeTags(tagged.load(tx), tags)));
  return {};
}

async function remove(deps: IamDeps, tagged: Tagged, tagKeys: readonly string[]): Promise<object> {
  await deps.store.write((tx) => tagged.save(tx, withoutTags(tagged.load(tx), tagKeys)));
  return {};
}

async function list(
  deps: IamDeps,
  tagged: Tagged,
  request: PageRequest,
): Promise<{ Tags: SdkTag[]; IsTruncated: boolean; Marker?: string }> {
  const page = pageOfList(await deps.store.read((reader) => tagged.load(reader)), request);
  return { Tags: sdkTags(page.items), ...pageEnd(page) };
}
