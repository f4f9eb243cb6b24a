import type * as Sdk from "@aws-sdk/client-lambda";
import { createConstraintCheck } from "#protocol/constraints/constraints.ts";
import { defineService, type ServiceDescription } from "#protocol/service/service.ts";
import { createAsyncSettings } from "./async-settings.ts";
import { createCodeLinks } from "./code.ts";
import { constraints, wording } from "./constraints.ts";
import type { LambdaDeps, LambdaScope } from "./dependencies.ts";
import { createFunctionUrlTable } from "./function-urls.ts";
import type { Lambda } from "./lambda.ts";
import { createMappingRunner } from "./mappings/mapping-runner.ts";
import { functionTable } from "./operations.ts";
import { resourceTable } from "./operations-resources.ts";
import { createPreparation } from "./preparation.ts";
import { createProvisioning } from "./provisioning.ts";
import { createPushPermission } from "./push-permission.ts";
import { createRecordCache } from "./record-cache.ts";

const description: ServiceDescription = {
  sdkId: "Lambda",
  signingName: "lambda",
  endpointPrefix: "lambda",
  protocols: ["restJson1"],
  apiVersion: "2015-03-31",
  model: () => import("@aws-sdk/client-lambda"),
};

export function createLambda(deps: LambdaDeps): Lambda {
  const preparation = createPreparation(deps);
  const provisioning = createProvisioning(deps);
  const cache = createRecordCache(deps);
  const links = createCodeLinks(deps);
  const runtimeNames = new Set(deps.runtimes.keys());
  const scope: LambdaScope = { ...deps, preparation, provisioning, cache, runtimeNames };
  const runner = createMappingRunner(scope);
  const table = { ...functionTable(scope, links), ...resourceTable(scope, links) };
  const constraintCheck = createConstraintCheck({ everywhere: {}, only: constraints }, wording);
  return {
    service: constraintCheck.guard(defineService<typeof Sdk>(description, table)),
    urls: createFunctionUrlTable(scope),
    asyncSettings: createAsyncSettings(scope),
    codeLinks: links,
    mayInvoke: createPushPermission(scope),
    async resume() {
      await preparation.resume();
      await provisioning.resume();
      runner.start();
    },
    stopPolling: async () => runner[Symbol.asyncDispose](),
    settled: () => preparation.idle(),
    async [Symbol.asyncDispose]() {
      await runner[Symbol.asyncDispose]();
      await preparation[Symbol.asyncDispose]();
      await provisioning[Symbol.asyncDispose]();
      await cache[Symbol.asyncDispose]();
    },
  };
}
