import {
  DeleteResourcePolicy$,
  DescribeResourcePolicies$,
  PutResourcePolicy$,
  type ResourcePolicy,
} from "@aws-sdk/client-cloudwatch-logs";
import type { Handler, OperationTable } from "#protocol/service/service.ts";
import type { Logs, LogsDeps } from "../deps.ts";
import { invalidParameter, limitExceeded, notFound, unsupported } from "../errors.ts";
import { placeOf } from "../groups.ts";
import { resourcePoliciesMax } from "../limits.ts";
import { pageEnd, pageOfRange } from "../pages.ts";
import { keys, readRecord, resourcePolicyCodec, type ResourcePolicyRecord } from "../records.ts";

/** Policies of the account, stored and returned: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html */
export function resourcePolicyOperations(deps: LogsDeps): OperationTable<Logs> {
  return {
    PutResourcePolicy: [PutResourcePolicy$, put(deps)],
    DescribeResourcePolicies: [DescribeResourcePolicies$, describe(deps)],
    DeleteResourcePolicy: [DeleteResourcePolicy$, remove(deps)],
  };
}

function put({ store, clock }: LogsDeps): Handler<Logs, "PutResourcePolicy"> {
  return async (input, context) => {
    if (input.resourceArn !== undefined) throw unsupported("resourceArn");
    const place = placeOf(context);
    const { policyName: name, policyDocument: document } = input;
    if (name === undefined || name === "") {
      throw invalidParameter("PolicyName must be specified.");
    }
    if (document === undefined || !isJsonObject(document)) {
      throw invalidParameter("Policy document is not valid JSON.");
    }
    const record = { name, document, updatedAtMs: clock.nowMs() };
    await store.write((tx) => {
      const at = keys.resourcePolicy(place, name);
      const isNew = tx.get(at) === undefined;
      if (isNew && [...tx.list(keys.resourcePolicies(place))].length >= resourcePoliciesMax) {
        throw limitExceeded("Resource limit exceeded.");
      }
      tx.put(at, resourcePolicyCodec.encode(record));
    });
    return { resourcePolicy: shapeOf(record) };
  };
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function shapeOf(record: ResourcePolicyRecord): ResourcePolicy {
  return {
    policyName: record.name,
    policyDocument: record.document,
    lastUpdatedTime: record.updatedAtMs,
    policyScope: "ACCOUNT",
  };
}

function describe({ store }: LogsDeps): Handler<Logs, "DescribeResourcePolicies"> {
  return async (input, context) => {
    if (input.resourceArn !== undefined) throw unsupported("resourceArn");
    if (input.policyScope === "RESOURCE") return { resourcePolicies: [] };
    const page = await store.read((reader) =>
      pageOfRange(reader, keys.resourcePolicies(placeOf(context)), {
        ...input,
        read: ({ value }) => shapeOf(resourcePolicyCodec.decode(value)),
      }),
    );
    return { resourcePolicies: [...page.items], ...pageEnd(page) };
  };
}

function remove({ store }: LogsDeps): Handler<Logs, "DeleteResourcePolicy"> {
  return async (input, context) => {
    if (input.resourceArn !== undefined) throw unsupported("resourceArn");
    const name = input.policyName ?? "";
    await store.write((tx) => {
      const at = keys.resourcePolicy(placeOf(context), name);
      if (!readRecord(tx, at, resourcePolicyCodec)) {
        throw notFound(`Policy with name [${name}] does not exist`);
      }
      tx.delete(at);
    });
    return {};
  };
}
