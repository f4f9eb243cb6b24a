import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const module = fileURLToPath(new URL("background-threads.ts", import.meta.url));

test(
  "V8's threads yield, and no other does",
  { skip: process.platform !== "linux" && "threads are seen in /proc" },
  () => {
    const program = `
      import { yieldBackgroundThreads } from ${JSON.stringify(module)};
      import { readdirSync, readFileSync } from "node:fs";
      import { getPriority } from "node:os";
      const ofThis = getPriority();
      yieldBackgroundThreads();
      const threads = readdirSync("/proc/self/task").map((id) => ({
        name: readFileSync("/proc/self/task/" + id + "/comm", "utf8").trim(),
        by: getPriority(Number(id)) - ofThis,
      }));
      console.log(JSON.stringify(threads));`;
    const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", program]);
    const threads = JSON.parse(String(printed)) as { name: string; by: number }[]; // the program above
    const ofV8 = threads.filter(({ name }) => name.endsWith("V8Worker"));
    assert(ofV8.length > 0);
    assert(ofV8.every(({ by }) => by > 0));
    assert(threads.filter((one) => !ofV8.includes(one)).every(({ by }) => by === 0));
  },
);
