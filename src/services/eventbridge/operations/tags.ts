import { ListTagsForResource$, TagResource$, UntagResource$ } from "@aws-sdk/client-eventbridge";
import type { RequestContext } from "#base/context.ts";
import type { Reader, Transaction } from "#storage/storage.ts";
import type { EventBridgeDeps, EventBridgeHandler, EventBridgeRows } from "../deps.ts";
import { notFound, validationError } from "../errors.ts";
import { loadBus, loadRule } from "../lookups.ts";
import { homeOf, resourceOf } from "../names.ts";
import { buses, rules, type Tag } from "../records.ts";
import { mergeTags, withoutTags } from "../tags.ts";

/** Tags of buses and rules: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TagResource.html */
export function tagOperations({ store }: EventBridgeDeps): EventBridgeRows {
  const tag: EventBridgeHandler<"TagResource"> = async ({ ResourceARN, Tags }, context) => {
    await store.write((tx) =>
      tagged(tx, { arn: ResourceARN, context }).save(tx, (before) => mergeTags(before, Tags)),
    );
    return {};
  };
  const untag: EventBridgeHandler<"UntagResource"> = async ({ ResourceARN, TagKeys }, context) => {
    await store.write((tx) =>
      tagged(tx, { arn: ResourceARN, context }).save(tx, (before) => withoutTags(before, TagKeys)),
    );
    return {};
  };
  const list: EventBridgeHandler<"ListTagsForResource"> = async ({ ResourceARN }, context) => ({
    Tags: await store.read((reader) => [...tagged(reader, { arn: ResourceARN, context }).tags]),
  });
  return {
    TagResource: [TagResource$, tag],
    UntagResource: [UntagResource$, untag],
    ListTagsForResource: [ListTagsForResource$, list],
  };
}

interface Tagged {
  readonly tags: readonly Tag[];
  save(tx: Transaction, change: (before: readonly Tag[]) => readonly Tag[]): void;
}

/** Throws ResourceNotFoundException, also for what is another account's. */
function tagged(
  reader: Reader,
  { arn, context }: { readonly arn: string; readonly context: RequestContext },
): Tagged {
  const found = resourceOf(arn);
  if (!found)
    throw validationError(
      `Parameter ${arn} is not valid. Reason: Provided Arn is not in correct format.`,
    );
  const { address, rule } = found;
  if (address.accountId !== homeOf(context).accountId) throw notFound(`${arn} does not exist.`);
  if (rule === undefined) {
    const record = loadBus(reader, address);
    return {
      tags: record.tags,
      save: (tx, change) => buses.save(tx, address, { ...record, tags: change(record.tags) }),
    };
  }
  const record = loadRule(reader, address, rule);
  return {
    tags: record.tags,
    save: (tx, change) => rules.save(tx, address, { ...record, tags: change(record.tags) }),
  };
}
