import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Jimp } from "jimp";

const s3 = new S3Client({});
const dynamodb = new DynamoDBClient({});
const sizeMax = 128;

interface ObjectCreated {
  readonly Records: readonly {
    readonly s3: {
      readonly bucket: { readonly name: string };
      readonly object: { readonly key: string };
    };
  }[];
}

/** An image was uploaded: a small one is put beside it, and a row says that there is one. */
export async function handler(event: ObjectCreated): Promise<void> {
  for (const record of event.Records) {
    const Bucket = record.s3.bucket.name;
    // Keys in notifications are written as in a form: blanks as plus signs.
    const Key = decodeURIComponent(record.s3.object.key.replaceAll("+", " "));
    const original = await s3.send(new GetObjectCommand({ Bucket, Key }));
    const image = await Jimp.read(Buffer.from((await original.Body?.transformToByteArray()) ?? []));
    const { width, height } = image.bitmap;
    image.scaleToFit({ w: sizeMax, h: sizeMax });
    const thumbnailKey = Key.replace(/^originals\//, "thumbnails/").replace(/\.\w+$/, ".jpg");
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: thumbnailKey,
        Body: await image.getBuffer("image/jpeg"),
        ContentType: "image/jpeg",
        Metadata: { original: Key },
      }),
    );
    await dynamodb.send(
      new PutItemCommand({
        TableName: process.env["TABLE"],
        Item: {
          key: { S: Key },
          thumbnail: { S: thumbnailKey },
          width: { N: String(width) },
          height: { N: String(height) },
          thumbnailWidth: { N: String(image.bitmap.width) },
          thumbnailHeight: { N: String(image.bitmap.height) },
        },
      }),
    );
  }
}
