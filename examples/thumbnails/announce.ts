import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";

const sns = new SNSClient({});

interface TableChanged {
  readonly Records: readonly {
    readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
    readonly dynamodb: { readonly NewImage?: Readonly<Record<string, AttributeValue>> };
  }[];
}

/** A row is new or has changed: whoever subscribes to the topic is told of the thumbnail. */
export async function handler(event: TableChanged): Promise<void> {
  for (const { eventName, dynamodb } of event.Records) {
    const row = dynamodb.NewImage;
    if (eventName === "REMOVE" || !row) continue;
    await sns.send(
      new PublishCommand({
        TopicArn: process.env["TOPIC"],
        Subject: "Thumbnail ready",
        Message: JSON.stringify({ original: row["key"]?.S, thumbnail: row["thumbnail"]?.S }),
        MessageAttributes: {
          width: { DataType: "Number", StringValue: row["width"]?.N ?? "0" },
        },
      }),
    );
  }
}
