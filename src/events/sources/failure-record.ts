import { parseArn } from "#base/arn.ts";
import type { Discarded } from "./stream-decisions.ts";

/**
 * What an on-failure destination receives of records that were given up: about the batch, not its
 * records (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-errors.html, "Example invocation record").
 */
export function failureRecord(
  discarded: Discarded,
  about: {
    readonly functionArn: string;
    readonly streamArn: string;
    readonly shardId: string;
    readonly nowMs: number;
  },
): Uint8Array {
  const { records, condition, failures, last } = discarded;
  const hasAnswer = last?.kind === "ok" || last?.kind === "function-error";
  const first = records[0];
  const end = records.at(-1);
  const batchInfo = {
    shardId: about.shardId,
    startSequenceNumber: first?.id,
    endSequenceNumber: end?.id,
    approximateArrivalOfFirstRecord: isoSeconds(first?.sentMs),
    approximateArrivalOfLastRecord: isoSeconds(end?.sentMs),
    batchSize: records.length,
    streamArn: about.streamArn,
  };
  const isTable = parseArn(about.streamArn)?.service === "dynamodb";
  const record = {
    requestContext: {
      requestId: last?.requestId ?? "",
      functionArn: about.functionArn,
      condition,
      approximateInvokeCount: failures,
    },
    ...(hasAnswer && {
      responseContext: {
        statusCode: 200,
        executedVersion: last.executedVersion,
        ...(last.kind === "function-error" && { functionError: "Unhandled" }),
      },
    }),
    version: "1.0",
    timestamp: new Date(about.nowMs).toISOString(),
    [isTable ? "DDBStreamBatchInfo" : "KinesisBatchInfo"]: batchInfo,
  };
  return Buffer.from(JSON.stringify(record));
}

function isoSeconds(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}
