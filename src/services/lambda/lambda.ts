import type * as Sdk from "@aws-sdk/client-lambda";
import type { AsyncSettings } from "#functions/invoker/invoker.ts";
import { createConstraintCheck } from "#protocol/constraints/constraints.ts";
import { defineService, type Service, type ServiceDescription } from "#protocol/service/service.ts";
import { type CodeLinks, createCodeLinks } from "./code.ts";
import { constraints, wording } from "./constraints.ts";
import type { LambdaDeps, LambdaScope } from "./dependencies.ts";
import { createAsyncSettings } from "./async-settings.ts";
import { createFunctionUrlTable } from "./function-urls.ts";
import { createMappingRunner } from "./mappings/mapping-runner.ts";
import { functionTable } from "./operations.ts";
import { resourceTable } from "./operations-resources.ts";
import { createPreparation } from "./preparation.ts";
import { createRecordCache } from "./record-cache.ts";
import { createProvisioning } from "./provisioning.ts";
import type { FunctionUrlTable } from "./url-table.ts";

export type { LambdaDeps } from "./dependencies.ts";
export type { Provisioner } from "./provisioning.ts";

/** The Lambda API over the functions engine. */
export interface Lambda extends AsyncDisposable {
  readonly service: Service;
  /** Function URLs by id, for the gateway. */
  readonly urls: FunctionUrlTable;
  /** Retries and destinations, for the invoker. */
  readonly asyncSettings: AsyncSettings;
  /** Serves what `GetFunction` hands out as `Code.Location`; under `/_skerry/code/`. */
  readonly codeLinks: Pick<CodeLinks, "serve">;
  /**
   * Continues preparing what an earlier process left unfinished, and allocates provisioned concurrency
   * again, and polls for event source mappings; call once at start.
   */
  resume(): Promise<void>;
  /** Polls no source any more: what is under way gets its time, the rest is put back. */
  stopPolling(): Promise<void>;
  /** Resolves when this process prepares no function any more. */
  settled(): Promise<void>;
}

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
