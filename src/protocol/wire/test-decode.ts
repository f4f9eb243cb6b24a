import { Readable } from "node:stream";
import {
  AwsJson1_0Protocol,
  AwsJson1_1Protocol,
  AwsQueryProtocol,
  AwsRestJsonProtocol,
  AwsRestXmlProtocol,
  AwsSmithyRpcV2CborProtocol,
} from "@aws-sdk/core/protocols";
import { HttpResponse } from "@smithy/core/protocols";
import { operation as operationSchema, TypeRegistry } from "@smithy/core/schema";
import { fromBase64, fromUtf8, toBase64, toUtf8 } from "@smithy/core/serde";
import type { HttpResponse as IHttpResponse, OperationSchema } from "@smithy/types";
import type { LoadedCase } from "./test-fixtures.ts";
import { unreachable } from "#base/assert.ts";
import { collect } from "./test-server.ts";

interface ClientProtocol {
  setSerdeContext(context: never): void;
  deserializeResponse(
    operation: OperationSchema,
    context: never,
    response: IHttpResponse,
  ): Promise<unknown>;
}

/** Reads a response of ours with the SDK's own client protocol; rejects with the modelled error. For tests. */
export async function sdkDecode(
  loaded: LoadedCase,
  response: { status: number; headers: Readonly<Record<string, string>>; body: Uint8Array },
): Promise<unknown> {
  const protocol = createProtocol(loaded);
  const context = {
    base64Decoder: fromBase64,
    base64Encoder: toBase64,
    utf8Decoder: fromUtf8,
    utf8Encoder: toUtf8,
    streamCollector: collect,
  } as never; // what the protocols read of a client's configuration
  protocol.setSerdeContext(context);
  const [, namespace, name, traits, input, output] = loaded.operation.schema;
  const schema = operationSchema(namespace, name, traits, input, output);
  const { status: statusCode, headers } = response;
  const body = response.body.byteLength === 0 ? Readable.from([]) : Readable.from([response.body]);
  const received = new HttpResponse({ statusCode, headers: { ...headers }, body });
  return protocol.deserializeResponse(schema, context, received);
}

function createProtocol(loaded: LoadedCase): ClientProtocol {
  const defaultNamespace = loaded.namespace;
  const errorTypeRegistries = [TypeRegistry.for(defaultNamespace)];
  const common = { defaultNamespace, errorTypeRegistries, xmlNamespace: "", version: "" };
  const awsQueryCompatible = loaded.service.description.isQueryCompatible ?? false;
  const serviceTarget = loaded.service.description.targetPrefix ?? "";
  switch (loaded.protocol) {
    case "awsJson1_0":
      return new AwsJson1_0Protocol({
        ...common,
        serviceTarget,
        awsQueryCompatible,
      });
    case "awsJson1_1":
      return new AwsJson1_1Protocol({
        ...common,
        serviceTarget,
        awsQueryCompatible,
      });
    case "restJson1":
      return new AwsRestJsonProtocol(common);
    case "restXml":
      return new AwsRestXmlProtocol(common);
    case "awsQuery":
      return new AwsQueryProtocol(common);
    case "rpcV2Cbor":
      return new AwsSmithyRpcV2CborProtocol({ ...common, awsQueryCompatible });
  }
  return unreachable(loaded.protocol);
}
