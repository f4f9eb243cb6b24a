import { streaming } from "./handler.mjs";
import { isOnHost, place } from "./paths.mjs";
import { requireFromRuntime } from "./resolution.mjs";
import { HttpResponseStream } from "./response-stream.mjs";

/** The process becomes one that was started with these variables, as far as a process can. */
export function replaceEnvironment(variables) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, variables);
  if (isOnHost) {
    process.env.LAMBDA_TASK_ROOT = place("/var/task");
    process.env.LAMBDA_RUNTIME_DIR = place("/var/runtime");
  }
  process.env.NODE_PATH = (variables.NODE_PATH ?? defaultNodePath())
    .split(":")
    .map(place)
    .join(":");
  requireFromRuntime("node:module")._initPaths();
  process.argv.splice(1, process.argv.length, "/var/runtime/index.mjs");
}

/** The kernel knows the directory by its slot, customers by the link to it. */
export function enterTask() {
  process.chdir(place("/var/task"));
  if (isOnHost) return;
  const realDirectory = process.cwd;
  process.cwd = () => realDirectory().replace(/^\/var\/slot\/task(?=\/|$)/, "/var/task");
}

/** As on AWS (developer guide, "Working with layers for Node.js", paths). */
function defaultNodePath() {
  const major = process.versions.node.split(".")[0];
  return [
    `/opt/nodejs/node${major}/node_modules`,
    "/opt/nodejs/node_modules",
    "/var/runtime/node_modules",
    "/var/runtime",
    "/var/task",
  ].join(":");
}

/** `awslambda`, which functions that stream are written against. */
export function installGlobals(invokeStore) {
  const escape = process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA;
  if (escape === "1" || escape === "true") return;
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[streaming.mark] = "response";
      if (typeof options?.highWaterMark === "number") {
        handler[streaming.highWaterMark] = Math.trunc(options.highWaterMark);
      }
      return handler;
    },
    HttpResponseStream,
  };
  // Where it is, the SDK, X-Ray and Powertools find the trace of the invocation they are called by.
  if (invokeStore) globalThis.awslambda.InvokeStore = invokeStore;
}
