import type { ResolvedFunction } from "#functions/registry/registry.ts";
import type { LambdaScope } from "./dependencies.ts";
import { eventAgeSecondsDefault, retryAttemptsDefault } from "./limits.ts";
import { eventInvokes } from "./records.ts";

/** How asynchronous invocations of one function, version or alias are retried and where they end. */
export interface AsyncSettings {
  /** 0 … 2 */
  readonly maxRetryAttempts: number;
  /** 60,000 … 21,600,000 */
  readonly maxAgeMs: number;
  readonly onSuccessArn: string | undefined;
  readonly onFailureArn: string | undefined;
}

export interface AsyncSettingsTable {
  /** Of the qualifier the caller named, not of the version it led to. No storage read when warm. */
  find(target: ResolvedFunction): Promise<AsyncSettings>;
}

const defaults: AsyncSettings = {
  maxRetryAttempts: retryAttemptsDefault,
  maxAgeMs: eventAgeSecondsDefault * 1000,
  onSuccessArn: undefined,
  onFailureArn: undefined,
};

export function createAsyncSettings(
  scope: Pick<LambdaScope, "store" | "cache">,
): AsyncSettingsTable {
  return {
    async find({ revision, qualifier }) {
      const sub = qualifier === undefined || qualifier === "$LATEST" ? "" : qualifier;
      const name = `event-invoke/${revision.functionArn}:${sub}`;
      const found = await scope.cache.get(name, async () => {
        const record = await scope.store.read((reader) => eventInvokes.get(reader, revision, sub));
        if (!record) return defaults;
        const { maxRetryAttempts, maxAgeSeconds, destinations } = record;
        return {
          maxRetryAttempts: maxRetryAttempts ?? defaults.maxRetryAttempts,
          maxAgeMs: maxAgeSeconds === undefined ? defaults.maxAgeMs : maxAgeSeconds * 1000,
          onSuccessArn: destinations?.onSuccess,
          onFailureArn: destinations?.onFailure,
        };
      });
      return found ?? defaults;
    },
  };
}
