import { ListTagsOfResource$, TagResource$, UntagResource$ } from "@aws-sdk/client-dynamodb";
import type { RequestContext } from "#base/context.ts";
import type { OperationTable } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { resourceNotFound } from "../errors.ts";
import { changeRecord, lookUp } from "../tables/change.ts";
import { checkTagCount, tagsOf } from "../tables/tags.ts";
import { validation } from "../values/values.ts";

/** Tags of tables, by ARN. */
export function tagOperations(
  deps: OperationDeps,
): Pick<OperationTable<DynamoDb>, "TagResource" | "UntagResource" | "ListTagsOfResource"> {
  return {
    TagResource: [
      TagResource$,
      async (input, context) => {
        const added = tagsOf(input.Tags);
        const arn = tableArnOf(input.ResourceArn);
        await changeRecord(
          deps,
          { reference: arn, context, absent: () => absent(arn) },
          (table) => {
            const tags = { ...table.tags, ...added };
            checkTagCount(tags);
            return { ...table, tags };
          },
        );
        return {};
      },
    ],
    UntagResource: [
      UntagResource$,
      async (input, context) => {
        const gone = new Set(input.TagKeys);
        const arn = tableArnOf(input.ResourceArn);
        await changeRecord(
          deps,
          { reference: arn, context, absent: () => absent(arn) },
          (table) => {
            const kept = Object.entries(table.tags).filter(([name]) => !gone.has(name));
            return { ...table, tags: Object.fromEntries(kept) };
          },
        );
        return {};
      },
    ],
    ListTagsOfResource: [
      ListTagsOfResource$,
      async (input, context: RequestContext) => {
        const arn = tableArnOf(input.ResourceArn);
        const { tags } = await lookUp(deps, { reference: arn, context, absent: () => absent(arn) });
        return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
      },
    ],
  };
}

function tableArnOf(arn: string): string {
  if (!/^arn:[^:]+:dynamodb:[^:]*:\d{12}:table\/[^/]+$/.test(arn)) {
    throw validation(`Invalid TableArn: Invalid ResourceArn provided as input ${arn}`);
  }
  return arn;
}

function absent(arn: string): Error {
  return resourceNotFound(`Requested resource not found: ResourcArn: ${arn} not found`);
}
