import { compare, type Result } from "../harness.ts";
import { memoryMiB, pinnedNode, startBareServer, wallMs } from "../load.ts";
import { startMeasured } from "../server.ts";

/** From starting `skerry up` to the moment it answers. */
export async function ready(): Promise<readonly Result[]> {
  return [
    await compare({
      name: "ready time of skerry up",
      unit: "ms",
      rounds: 5,
      async ours() {
        await using server = await startMeasured();
        return server.readyMs;
      },
      reference: {
        name: "`node -e 0`, start to exit",
        measure: () => wallMs(pinnedNode, ["-e", "0"]),
      },
    }),
  ];
}

/** Proportional set size of the platform and its launcher, nothing deployed. */
export async function idleMemory(): Promise<readonly Result[]> {
  return [
    await compare({
      name: "idle memory, platform and launcher",
      unit: "MiB",
      rounds: 3,
      async ours() {
        await using server = await startMeasured();
        return await memoryMiB(server.pid);
      },
      reference: {
        name: "bare node:http server",
        async measure() {
          await using bare = await startBareServer();
          return await memoryMiB(bare.pid);
        },
      },
    }),
  ];
}
