/**
 * `node:http` without what an `import` of it loads: to give an ES module every name of a built-in module,
 * Node asks each of its lazy properties, and `http.WebSocket` is all of undici (15 ms and 5 MB at the
 * start of every process that serves HTTP; Node 24 and 26, measured).
 */
export const { createServer } = process.getBuiltinModule("node:http");
