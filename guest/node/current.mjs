import { fields } from "./channel.mjs";
import { createInvokeStore, protectedKeys } from "./invoke-store.mjs";

/**
 * The invocation whose code is running. With one invocation at a time it is a variable; where a
 * function takes several, it follows each through its promises and callbacks.
 */
export function createCurrent() {
  let single = {};
  let store;
  return {
    get requestId() {
      return store ? store.get(protectedKeys.REQUEST_ID) : single.requestId;
    },
    /** From now on several invocations run side by side; gives the store that knows them apart. */
    share() {
      store = createInvokeStore();
      return store;
    },
    /** Runs `work` as part of the invocation `call`. */
    enter(call, metadata, work) {
      if (!store) {
        single = call;
        return work();
      }
      const context = {
        [protectedKeys.REQUEST_ID]: call.requestId,
        [protectedKeys.X_RAY_TRACE_ID]: metadata.get(fields.traceHeader),
      };
      return store.run(context, work);
    },
  };
}
