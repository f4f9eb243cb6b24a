/**
 * `awslambda.InvokeStore`: what belongs to the invocation that is running, for code that cannot be handed the
 * context object. Its methods and keys are those of the package @aws/lambda-invoke-store (0.3, read in
 * November 2026), which takes the one it finds there; the developer guide names it as the place of the trace
 * ("Node.js runtime for Lambda Managed Instances").
 */
export const protectedKeys = {
  REQUEST_ID: Symbol.for("_AWS_LAMBDA_REQUEST_ID"),
  X_RAY_TRACE_ID: Symbol.for("_AWS_LAMBDA_X_RAY_TRACE_ID"),
  TENANT_ID: Symbol.for("_AWS_LAMBDA_TENANT_ID"),
  TRACEPARENT: Symbol.for("_AWS_LAMBDA_TRACEPARENT"),
  TRACESTATE: Symbol.for("_AWS_LAMBDA_TRACESTATE"),
  BAGGAGE: Symbol.for("_AWS_LAMBDA_BAGGAGE"),
};

const protectedSymbols = new Set(Object.values(protectedKeys));

export function createInvokeStore() {
  // Loading it takes a millisecond and more, and few functions are shared.
  const { AsyncLocalStorage } = process.getBuiltinModule("node:async_hooks");
  const storage = new AsyncLocalStorage();
  const get = (key) => storage.getStore()?.[key];
  return {
    getContext: () => storage.getStore(),
    hasContext: () => storage.getStore() !== undefined,
    isProtectedKey: (key) => protectedSymbols.has(key),
    get,
    set(key, value) {
      if (protectedSymbols.has(key)) {
        throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
      }
      const context = storage.getStore();
      if (!context) throw new Error("No context available");
      context[key] = value;
    },
    run: (context, work) => storage.run(context, work),
    getRequestId: () => get(protectedKeys.REQUEST_ID) ?? "-",
    getXRayTraceId: () => get(protectedKeys.X_RAY_TRACE_ID),
    getTenantId: () => get(protectedKeys.TENANT_ID),
    getTraceparent: () => get(protectedKeys.TRACEPARENT),
    getTracestate: () => get(protectedKeys.TRACESTATE),
    getBaggage: () => get(protectedKeys.BAGGAGE),
  };
}
