import { writeFileSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { isOnHost, place } from "./paths.mjs";

/** AWS's runtime appears as this file in "Require stack"; ours does the same. */
export const requireFromRuntime = createRequire("/var/runtime/index.mjs");

/**
 * The code lies in a slot of the sandbox and `/var/task` is a link to it. Node would show the link's
 * target in `__dirname`, `import.meta.url` and stack traces; customers know their code by the link.
 */
export function installResolution() {
  // On a host some package.json further up could turn the customer's .js files into ES modules.
  if (isOnHost) writeFileSync(`${place("/var/slot")}/package.json`, "{}");
  const runtimeModule = pathToFileURL(`${place("/var/runtime/node_modules")}/.from`).href;
  registerHooks({
    resolve(specifier, context, next) {
      let resolved;
      try {
        resolved = next(specifier, context);
      } catch (error) {
        // In a sandbox /node_modules leads to the SDK; a host's own file system has no such link.
        if (!isOnHost || !isBare(specifier)) throw error;
        try {
          resolved = next(specifier, { ...context, parentURL: runtimeModule });
        } catch {
          throw error;
        }
      }
      for (const [target, path] of links) {
        if (resolved.url.startsWith(target)) {
          return { ...resolved, url: path + resolved.url.slice(target.length) };
        }
      }
      return resolved;
    },
  });
}

const links = isOnHost
  ? []
  : [
      ["file:///var/slot/task/", "file:///var/task/"],
      ["file:///var/slot/opt/", "file:///opt/"],
    ];

function isBare(specifier) {
  return !/^(\.{0,2}\/|[a-z]+:)/.test(specifier);
}
