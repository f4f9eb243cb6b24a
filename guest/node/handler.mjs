import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { runtimeError } from "./errors.mjs";
import { requireFromRuntime } from "./resolution.mjs";

/**
 * Finds a function's handler by the rules of AWS's runtimes (aws-lambda-nodejs-runtime-interface-client:
 * src/UserFunction.js for Node 22, src/function/ for Node 24 and later).
 */
const isNode24OrLater = Number(process.versions.node.split(".")[0]) >= 24;
const streamingMark = Symbol.for("aws.lambda.runtime.handler.streaming");
const highWaterMark = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");

/** Throws the errors AWS names; anything a customer's module throws passes through. */
export async function loadHandler(root, handler) {
  if (handler.includes("..")) {
    throw runtimeError(
      "MalformedHandlerName",
      `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.basename(handler);
  const directory = handler.slice(0, handler.indexOf(base));
  const [, moduleName, functionPath] = /^([^.]*)\.(.*)$/.exec(base) ?? [];
  if (moduleName === undefined) throw runtimeError("MalformedHandlerName", "Bad handler");
  const loaded = await loadModule(root, directory, moduleName);
  const found = findHandler(loaded, functionPath);
  if (!found) {
    throw runtimeError("HandlerNotFound", `${handler} is undefined or not exported`);
  }
  if (typeof found !== "function") {
    throw runtimeError("HandlerNotFound", `${handler} is not a function`);
  }
  const isStreaming = checkStreaming(found);
  if (isNode24OrLater && !isStreaming && found.length >= 3) {
    throw runtimeError(
      "CallbackHandlerDeprecated",
      "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.",
    );
  }
  return { handler: found, isStreaming, highWaterMark: Number(found[highWaterMark]) || undefined };
}

export const streaming = { mark: streamingMark, highWaterMark };

function findHandler(loaded, functionPath) {
  const names = functionPath.split(".");
  const walk = (from) => names.reduce((nested, name) => nested?.[name], from);
  const found = walk(loaded);
  return found || !isNode24OrLater ? found : walk(loaded?.default);
}

function checkStreaming(handler) {
  const mark = handler[streamingMark];
  if (!mark) return false;
  if (mark === "response") return true;
  throw runtimeError("MalformedStreamingHandler", "Only response streaming is supported.");
}

async function loadModule(root, directory, name) {
  try {
    const file = path.resolve(root, directory, name);
    const found = findFile(file);
    if (found) return await (found.isModule ? importFile(found.file) : requireFile(found.file));
    const paths = [root, path.join(root, directory)];
    return requireFile(requireFromRuntime.resolve(name, { paths }));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw runtimeError("UserCodeSyntaxError", `${error.name}: ${error.message}`, error.stack);
    }
    if (error?.code === "MODULE_NOT_FOUND") {
      throw runtimeError("ImportModuleError", `${error.name}: ${error.message}`);
    }
    throw error;
  }
}

const importFile = (file) => import(pathToFileURL(file).href);
const requireFile = (file) => requireFromRuntime(file);

/** The first of the files a handler may name, and whether it is an ES module. */
function findFile(base) {
  const isModulePackage = () => packageType(path.dirname(base)) === "module";
  const candidates = [
    ["", () => false],
    [".js", isModulePackage],
    [".mjs", () => true],
    [".cjs", () => false],
    ...(isNode24OrLater
      ? [
          [".ts", isModulePackage],
          [".mts", () => true],
          [".cts", () => false],
        ]
      : []),
  ];
  for (const [extension, isModule] of candidates) {
    const file = base + extension;
    if (existsSync(file)) return { file, isModule: isModule() };
  }
  return undefined;
}

/** `type` of the nearest package.json above; the search stops at a node_modules folder. */
function packageType(folder) {
  if (folder.endsWith("/node_modules")) return undefined;
  const file = path.join(folder, "package.json");
  if (existsSync(file)) {
    try {
      return JSON.parse(readFileSync(file, "utf8"))?.type;
    } catch (error) {
      console.warn(
        `${file} cannot be read, it will be ignored for ES module detection purposes.`,
        error,
      );
      return undefined;
    }
  }
  return folder === "/" ? undefined : packageType(path.dirname(folder));
}
