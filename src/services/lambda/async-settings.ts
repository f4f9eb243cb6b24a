import type { AsyncConfig, AsyncSettings } from "#functions/invoker/invoker.ts";
import type { LambdaScope } from "./dependencies.ts";
import { eventAgeSecondsDefault, retryAttemptsDefault } from "./limits.ts";
import { eventInvokes } from "./records.ts";

const defaults: AsyncConfig = {
  maxRetryAttempts: retryAttemptsDefault,
  maxAgeMs: eventAgeSecondsDefault * 1000,
  onSuccessArn: undefined,
  onFailureArn: undefined,
};

/**
 * How asynchronous invocations are retried and where they end, by the qualifier the caller named and
 * not the version it led to. No storage read when warm.
 */
export function createAsyncSettings(scope: Pick<LambdaScope, "store" | "cache">): AsyncSettings {
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
