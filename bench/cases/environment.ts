import { spawn } from "node:child_process";
import { once } from "node:events";
import { deploy } from "../../test/support/functions.ts";
import { openCaller } from "../caller.ts";
import { compare, type Result } from "../harness.ts";
import { type Language, openNode, openPython } from "../languages.ts";
import { descendants, memoryMiB } from "../load.ts";
import { startMeasured } from "../server.ts";

/** What keeps the bare interpreter there, saying so first. */
const idle: Readonly<Record<string, readonly string[]>> = {
  node: ["-e", "setInterval(() => {}, 1e9); console.log(1)"],
  python: ["-c", "import time; print(1, flush=True); time.sleep(1e6)"],
};

/** Memory of one warm environment that has answered a call, against the bare interpreter waiting. */
export async function environmentMemory(): Promise<readonly Result[]> {
  using node = await openNode();
  using python = await openPython();
  const results = [await measure(node, idle["node"] ?? [])];
  if (python) results.push(await measure(python, idle["python"] ?? []));
  return results;
}

async function measure(language: Language, waiting: readonly string[]): Promise<Result> {
  const isNode = language.runtime.startsWith("nodejs");
  return compare({
    targets: [isNode ? "environment-node" : "environment-python"],
    name: `memory of an idle warm environment, ${language.runtime}, bubblewrap included (PSS)`,
    unit: "MiB",
    rounds: 5,
    async ours() {
      await using server = await startMeasured(["--ready-sandboxes=0"]);
      using caller = openCaller(server.port);
      const Runtime = language.runtime as "nodejs24.x"; // its identifier is one of the API's names
      await deploy(server.lambda, "idle", language.files, { Runtime });
      await caller.invoke("idle");
      const [first] = await descendants(server.pid, "bwrap");
      if (first === undefined) throw new Error("no sandbox was found");
      return await memoryMiB(first);
    },
    reference: {
      name: "the bare interpreter, waiting",
      async measure() {
        const child = spawn(language.bare[0], waiting, { stdio: ["ignore", "pipe", "inherit"] });
        await once(child.stdout, "data");
        const used = await memoryMiB(child.pid ?? 0);
        child.kill();
        return used;
      },
    },
  });
}
