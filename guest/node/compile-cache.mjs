import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { fields, kinds } from "./channel.mjs";
import { place } from "./paths.mjs";

/** Where the platform puts what an earlier process of this very code was compiled to. */
const offeredFolder = "/var/slot/cache";
/** Where it is made; see "The compile cache" in ../CHANNEL.md. */
const madeFolder = "/tmp/.compile-cache";
/** A frame of the channel has room for it and its name; a larger one is left out. */
const fileBytesMax = 6 * 1024 * 1024;

/**
 * Lets V8 take byte code from the cache instead of compiling, or keeps what it compiles for one. V8 compares
 * its version, its flags and the source: call it when all flags are set. What does not fit, or cannot be read,
 * is compiled as without a cache.
 */
export function openCompileCache(mode) {
  if (mode === undefined) return;
  const module = process.getBuiltinModule("node:module");
  if (mode === "use") module.enableCompileCache(place(offeredFolder));
  if (mode !== "make") return;
  mkdirSync(place(madeFolder));
  module.enableCompileCache(place(madeFolder));
}

/** Sends what has been compiled so far, a frame for each file, and the end. */
export function sendCompileCache(channel) {
  const root = place(madeFolder);
  process.getBuiltinModule("node:module").flushCompileCache();
  for (const folder of readdirSync(root)) {
    for (const name of readdirSync(`${root}/${folder}`)) {
      const content = readFileSync(`${root}/${folder}/${name}`);
      if (content.length > fileBytesMax) continue;
      channel.send(kinds.streamData, 0, [[fields.path, `${folder}/${name}`]], content);
    }
  }
  channel.send(kinds.streamEnd, 0);
}
