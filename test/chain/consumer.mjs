import { DynamoDBClient, BatchWriteItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

const dynamodb = new DynamoDBClient({});
const sqs = new SQSClient({});
const TableName = process.env.TABLE;
const QueueUrl = process.env.DONE;

/** Every message becomes a row, and what became one is told to the queue of the done. */
export async function handler(event) {
  const messages = event.Records.map(({ body }) => JSON.parse(body));
  if (event.Records[0].attributes.MessageGroupId === undefined) await store(messages);
  else for (const message of messages) await storeInOrder(message);
  const MessageBody = JSON.stringify(messages.map(({ id }) => id));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
}

async function store(messages) {
  const rows = [...new Set(messages.map(({ id }) => id))].map((id) => ({
    PutRequest: { Item: { id: { S: id } } },
  }));
  for (let at = 0; at < rows.length; at += 25) {
    let left = rows.slice(at, at + 25);
    while (left.length > 0) {
      const answer = await dynamodb.send(
        new BatchWriteItemCommand({ RequestItems: { [TableName]: left } }),
      );
      left = answer.UnprocessedItems?.[TableName] ?? [];
    }
  }
}

/** The row of the group goes from one number to the next; a repetition changes nothing, a gap is a fault. */
async function storeInOrder({ id, group, n }) {
  await store([{ id }]);
  const names = { "#last": "last" };
  await dynamodb
    .send(
      new UpdateItemCommand({
        TableName,
        Key: { id: { S: `group ${group}` } },
        UpdateExpression: "SET #last = :n",
        ConditionExpression: "attribute_not_exists(#last) AND :n = :zero OR #last = :before",
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: {
          ":n": { N: `${n}` },
          ":before": { N: `${n - 1}` },
          ":zero": { N: "0" },
        },
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    )
    .catch(async (error) => {
      if (error.name !== "ConditionalCheckFailedException") throw error;
      const last = Number(error.Item?.last?.N ?? -1);
      if (last >= n) return;
      await store([{ id: `fault: ${n} came behind ${last} in group ${group}` }]);
    });
}
