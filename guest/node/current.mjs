/**
 * The invocation whose code is running. With one invocation at a time it is a variable; where a
 * function takes several, it follows each through its promises and callbacks.
 */
export function createCurrent() {
  let single = {};
  let storage;
  return {
    get requestId() {
      return (storage ? storage.getStore() : single)?.requestId;
    },
    /** From now on several invocations run side by side. */
    share() {
      // Loading it takes a millisecond and more, and few functions are shared.
      const { AsyncLocalStorage } = process.getBuiltinModule("node:async_hooks");
      storage = new AsyncLocalStorage();
    },
    /** Runs `work` as part of the invocation `call`. */
    enter(call, work) {
      if (storage) return storage.run(call, work);
      single = call;
      return work();
    },
  };
}
