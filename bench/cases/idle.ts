import { compare, type Finding } from "../harness.ts";
import { memoryMiB, pinnedNode, startBareServer, wallMs } from "../load.ts";
import { residentMb } from "../processes.ts";
import { startMeasured } from "../server.ts";

/** From starting `skerry up` to the moment it answers. */
export async function ready(): Promise<readonly Finding[]> {
  return [
    await compare({
      name: "ready time of skerry up",
      unit: "ms",
      rounds: 9,
      async ours() {
        await using server = await startMeasured();
        return server.readyMs;
      },
      reference: {
        name: "`node -e 0`, start to exit",
        measure: () => wallMs(pinnedNode, ["-e", "0"]),
      },
      targets: ["ready"],
    }),
  ];
}

/** Memory of the platform and its launcher, nothing deployed, no sandbox kept ready. */
export async function idleMemory(): Promise<readonly Finding[]> {
  const of = (name: string, measure: (pid: number) => number | Promise<number>) => ({
    name,
    rounds: 5,
    async ours() {
      await using server = await startMeasured(["--ready-sandboxes=0"]);
      return await measure(server.pid);
    },
    reference: {
      name: "bare node:http server",
      async measure() {
        await using bare = await startBareServer();
        return await measure(bare.pid);
      },
    },
  });
  return [
    await compare({
      ...of("resident memory of the idle platform and its launcher (RSS, summed)", residentMb),
      unit: "MB",
      targets: ["idle-memory"],
    }),
    await compare({
      ...of("proportional memory of the same (PSS)", memoryMiB),
      unit: "MiB",
    }),
  ];
}
