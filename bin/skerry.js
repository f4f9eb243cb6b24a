#!/usr/bin/env node
// Whatever Node starts this, Skerry itself runs on the one it pins (npm package `node`).
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "src", "skerry.ts");
const entry = existsSync(source)
  ? ["--conditions=source", source]
  : [join(root, "dist", "skerry.js")];

// The fourth stream only tells the child when this process is gone, however it went.
const stdio = ["inherit", "inherit", "inherit", "ipc"];
const child = spawn(findPinned(), [...entry, ...process.argv.slice(2)], { stdio });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  if (signal !== null) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else process.exit(code ?? 1);
});

function findPinned() {
  const { resolve } = createRequire(import.meta.url);
  // The second is the same version without an install script, which some installations do not run.
  for (const name of ["node", `node26-linux-${process.arch}`]) {
    try {
      const pinned = join(dirname(resolve(`${name}/package.json`)), "bin", "node");
      if (existsSync(pinned)) return pinned;
    } catch {
      // Not installed; the next may be.
    }
  }
  return giveUp("the pinned Node.js is missing. Run: npm ci && npm rebuild node");
}

function giveUp(why) {
  console.error(`skerry: ${why}`);
  process.exit(1);
}
