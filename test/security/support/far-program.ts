/** A platform under attack as a program of its own; see `far-platform.ts`. */
import { startTarget, type TargetSettings } from "./platform.ts";

const settings = JSON.parse(process.argv[2] ?? "{}") as TargetSettings; // written by far-platform.ts
const target = await startTarget(settings);
const { endpoint, port, dataDir, pythonRuntime, client } = target;
process.stdout.write(`${JSON.stringify({ endpoint, port, dataDir, pythonRuntime, client })}\n`);
process.stdin.on("end", () => void target[Symbol.asyncDispose]().then(() => process.exit(0)));
process.stdin.resume();
