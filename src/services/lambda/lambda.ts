import type { DeliveryOrigin } from "#events/events.ts";
import type { AsyncSettings } from "#functions/invoker/invoker.ts";
import type { FunctionReference } from "#functions/registry/registry.ts";
import type { Service } from "#protocol/service/service.ts";
import type { CodeLinks } from "./code.ts";
import type { FunctionUrlTable } from "./url-table.ts";

export type { Provisioner } from "./provisioning.ts";
export { createLambda } from "./live-lambda.ts";

/** The Lambda API over the functions engine. */
export interface Lambda extends AsyncDisposable {
  readonly service: Service;
  /** Function URLs by id, for the gateway. */
  readonly urls: FunctionUrlTable;
  /** Retries and destinations, for the invoker. */
  readonly asyncSettings: AsyncSettings;
  /** Whether a function's policy lets a service invoke it for what the service acts for. */
  readonly mayInvoke: (reference: FunctionReference, origin: DeliveryOrigin) => Promise<boolean>;
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
