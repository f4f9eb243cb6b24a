import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ListSchedulesCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { type Platform, startPlatform } from "./platform.ts";

const run = promisify(execFile);
const sources = fileURLToPath(new URL("go-sdk/", import.meta.url));
const hasGo = spawnSync("go", ["version"]).status === 0;

describe("AWS's SDK for Go", { skip: !hasGo && "no Go on this machine" }, () => {
  let folder: string;
  let platform: Platform;
  let unbuilt: string | undefined;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "skerry-go-sdk-"));
    platform = await startPlatform();
    const downloaded = await run("go", ["mod", "download"], { cwd: sources }).catch(String);
    if (typeof downloaded === "string") unbuilt = `its modules cannot be had: ${downloaded}`;
    else await run("go", ["build", "-o", join(folder, "program"), "."], { cwd: sources });
  });
  after(async () => {
    await platform.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const scenario = async (name: string): Promise<void> => {
    await run(join(folder, "program"), [name], {
      env: {
        ...process.env,
        // By its address: buckets are part of the host name otherwise, and not every resolver knows *.localhost.
        AWS_ENDPOINT_URL: `http://127.0.0.1:${platform.port}`,
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
      },
    });
  };

  for (const name of ["dynamodb", "eventbridge", "s3", "sns", "sqs"]) {
    test(`${name} answers it`, async (t) => {
      if (unbuilt !== undefined) return t.skip(unbuilt);
      await scenario(name);
    });
  }

  test("scheduler answers it, and a schedule is due when the clock says so", async (t) => {
    if (unbuilt !== undefined) return t.skip(unbuilt);
    const over = scenario("scheduler");
    const scheduler = new SchedulerClient(platform.client);
    for (;;) {
      const { Schedules = [] } = await scheduler.send(new ListSchedulesCommand({}));
      if (Schedules.some(({ Name }) => Name === "go-yearly")) break;
      await Promise.race([over, new Promise((resolve) => setImmediate(resolve))]);
    }
    scheduler.destroy();
    // The program waits for the last of December.
    const body = JSON.stringify({ advance: "366d" });
    await fetch(`${platform.endpoint}/_skerry/clock`, { method: "POST", body });
    await over;
  });
});
