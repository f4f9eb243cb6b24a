import { parseArgs } from "node:util";
import { runCycles, slope, type Look } from "../src/functions/invoker/testing/cycles.ts";

// Makes, uses and ends `--cycles` (default 10000) environments and sandboxes and checks that nothing
// stays: descriptors, processes, control groups, mounts, threads and directory entries are the same at
// every look, memory of the platform and of the launcher does not grow. What a cycle is:
// `runCycles`. Needs root and bubblewrap.
const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "10000" },
    "whole-every": { type: "string", default: "10" },
    concurrency: { type: "string", default: "8" },
  },
});

/** More growth per thousand cycles than this is a leak; measured noise is a tenth of it. */
const growthMiBMax = 1;

const cycles = Number(values.cycles);
const startedMs = Date.now();
// Waiting on the clock alone would not keep the process alive.
const alive = setInterval(() => undefined, 1_000);
let first: Look | undefined;
let differences = 0;
const looks = await runCycles({
  cycles,
  wholeEvery: Number(values["whole-every"]),
  concurrency: Number(values.concurrency),
  warmUp: Math.min(500, Math.ceil(cycles / 5)),
  lookEvery: Math.ceil(cycles / 20),
  onLook(look) {
    first ??= look;
    const { platformRssMiB, platformHeapMiB, launcherRssMiB } = look;
    const sizes = [platformRssMiB, platformHeapMiB, launcherRssMiB].map((size) => size.toFixed(1));
    const changed = Object.entries(look.counts).filter(
      ([name, count]) => count !== first?.counts[name],
    );
    if (changed.length > 0) differences++;
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(0);
    console.log(
      `${look.cycles} cycles, ${seconds} s: RSS of the platform ${sizes[0]} MiB (heap ${sizes[1]}), of the ` +
        `launcher ${sizes[2]} MiB; ${changed.length === 0 ? "counts as at first" : `changed: ${JSON.stringify(Object.fromEntries(changed))}`}`,
    );
  },
});
clearInterval(alive);
const growth = {
  platform: slope(looks, (look) => look.platformRssMiB),
  launcher: slope(looks, (look) => look.launcherRssMiB),
};
console.log(
  `${cycles} cycles: counts ${JSON.stringify(first?.counts)}, different at ${differences} of ${looks.length} looks; ` +
    `RSS per 1000 cycles: platform ${growth.platform.toFixed(3)} MiB, launcher ${growth.launcher.toFixed(3)} MiB`,
);
const isFlat = differences === 0 && Math.max(growth.platform, growth.launcher) < growthMiBMax;
process.exitCode = isFlat ? 0 : 1;
