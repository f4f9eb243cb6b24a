import {
  CreateFunction$,
  DeleteFunction$,
  GetFunction$,
  GetFunctionConfiguration$,
  Invoke$,
  InvokeAsync$,
  InvokeWithResponseStream$,
  ListFunctions$,
  ListVersionsByFunction$,
  PublishVersion$,
  UpdateFunctionCode$,
  UpdateFunctionConfiguration$,
} from "@aws-sdk/client-lambda";
import type * as Sdk from "@aws-sdk/client-lambda";
import type { OperationTable } from "#protocol/service/service.ts";
import type { CodeLinks } from "./code.ts";
import type { LambdaScope } from "./dependencies.ts";
import { codeRequestBytesMax } from "./limits.ts";
import { functionOperations } from "./operations/functions.ts";
import { functionUpdateOperations } from "./operations/function-updates.ts";
import { invoke } from "./operations/invoke.ts";
import { invokeAsync } from "./operations/invoke-async.ts";
import { invokeWithResponseStream } from "./operations/invoke-with-response-stream.ts";
import { versionOperations } from "./operations/versions.ts";

const carriesCode = { bodyBytesMax: codeRequestBytesMax };

/** Functions, versions and their invocation; the other resources are in `operations-resources.ts`. */
export function functionTable(scope: LambdaScope, links: CodeLinks) {
  const functions = functionOperations(scope, links);
  const updates = functionUpdateOperations(scope);
  const versions = versionOperations(scope);
  return {
    CreateFunction: [CreateFunction$, functions.createFunction, carriesCode],
    GetFunction: [GetFunction$, functions.getFunction],
    GetFunctionConfiguration: [GetFunctionConfiguration$, functions.getFunctionConfiguration],
    ListFunctions: [ListFunctions$, functions.listFunctions],
    DeleteFunction: [DeleteFunction$, functions.deleteFunction],
    UpdateFunctionCode: [UpdateFunctionCode$, updates.updateFunctionCode, carriesCode],
    UpdateFunctionConfiguration: [
      UpdateFunctionConfiguration$,
      updates.updateFunctionConfiguration,
    ],
    PublishVersion: [PublishVersion$, versions.publishVersion],
    ListVersionsByFunction: [ListVersionsByFunction$, versions.listVersionsByFunction],
    Invoke: [Invoke$, invoke(scope), { payloadContentType: "application/json" }],
    InvokeAsync: [InvokeAsync$, invokeAsync(scope)],
    InvokeWithResponseStream: [InvokeWithResponseStream$, invokeWithResponseStream(scope)],
  } satisfies OperationTable<typeof Sdk>;
}
