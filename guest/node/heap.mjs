/**
 * V8 sizes its heap by the machine when the process starts; the sandbox's limit comes later and it
 * cannot see it. Left alone, a 128 MiB function with 15 MiB of live data is killed within a few
 * invocations, while its garbage waits to be collected. Both flags are read at each collection, so
 * they may change in a running process; `--max-old-space-size` is read at the start only and does
 * nothing here (all measured, Node 22, 24 and 26).
 */
export function fitHeap(memoryMiB) {
  if (memoryMiB > 512) return;
  // Loaded where it is needed: it takes as long as all of a big function's specialisation.
  const v8 = process.getBuiltinModule("node:v8");
  v8.setFlagsFromString("--heap-growing-percent=60");
  // Young objects stay in the space they have now instead of up to three times 32 MiB.
  if (memoryMiB <= 256) v8.setFlagsFromString("--semi-space-growth-factor=1");
}
