#!/usr/bin/env node
// Whatever Node starts this, Skerry itself runs on the one it pins (npm package `node`).
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const pinned = join(
  dirname(createRequire(import.meta.url).resolve("node/package.json")),
  "bin",
  "node",
);
if (!existsSync(pinned)) {
  console.error(
    `skerry: the pinned Node.js is missing (${pinned}).\n` +
      "Its install script was not run. Run: npm rebuild node",
  );
  process.exit(1);
}
const source = join(root, "src", "skerry.ts");
const entry = existsSync(source)
  ? ["--conditions=source", source]
  : [join(root, "dist", "skerry.js")];
const child = spawn(pinned, [...entry, ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  if (signal !== null) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else process.exit(code ?? 1);
});
