import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CreateFunctionCommand, UpdateFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import { deploy, roleArn } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { zip } from "../support/zip.ts";
import { startTarget, whyNoSandboxes } from "./support/platform.ts";
import type { Target } from "./support/platform.ts";

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, reserved variables */
const reserved = [
  "AWS_DEFAULT_REGION",
  "AWS_REGION",
  "AWS_EXECUTION_ENV",
  "AWS_LAMBDA_FUNCTION_NAME",
  "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
  "AWS_LAMBDA_FUNCTION_VERSION",
  "AWS_LAMBDA_INITIALIZATION_TYPE",
  "AWS_LAMBDA_LOG_GROUP_NAME",
  "AWS_LAMBDA_LOG_STREAM_NAME",
  "AWS_ACCESS_KEY",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_LAMBDA_RUNTIME_API",
  "LAMBDA_TASK_ROOT",
  "LAMBDA_RUNTIME_DIR",
];
/** Reserved as well; the pattern of names (API_Environment.html) refuses them first. */
const misnamed = ["_HANDLER", "_X_AMZN_TRACE_ID"];
const problem =
  "Lambda was unable to configure your environment variables because the environment variables you have provided";

/** Row 30: variables reach the function's own environment and nothing else. */
describe("environment variables", { skip: whyNoSandboxes ?? false, timeout: 180_000 }, () => {
  let target: Target;
  before(async () => {
    target = await startTarget();
  });
  after(() => target[Symbol.asyncDispose]());

  const create = async (
    variables: Readonly<Record<string, string>>,
    rest: Partial<CreateFunctionCommandInput> = {},
  ): Promise<unknown> =>
    target.lambda.send(
      new CreateFunctionCommand({
        FunctionName: "refused",
        Role: roleArn,
        Runtime: "nodejs24.x",
        Handler: "index.handler",
        Code: { ZipFile: await zip({ "index.mjs": "export const handler = () => 1;" }) },
        Environment: { Variables: variables },
        ...rest,
      }),
    );

  for (const name of reserved)
    test(`${name} is reserved, at creation and at an update`, async () => {
      const refusal = {
        name: "InvalidParameterValueException",
        message: `${problem} contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${name}`,
      };
      await assert.rejects(create({ [name]: "mine", OTHER: "x" }), refusal);
      await deploy(target.lambda, `update-${name}`, {
        "index.mjs": "export const handler = () => 1;",
      });
      const update = new UpdateFunctionConfigurationCommand({
        FunctionName: `update-${name}`,
        Environment: { Variables: { [name]: "mine" } },
      });
      await assert.rejects(target.lambda.send(update), refusal);
    });

  for (const name of misnamed)
    test(`${name} is no name for a variable`, async () => {
      const message = /environment\.variables.*\[a-zA-Z\]\(\[a-zA-Z0-9_\]\)\+/;
      await assert.rejects(create({ [name]: "mine" }), { name: "ValidationException", message });
    });

  test("more than 4 KB are refused", async () => {
    const variables = { BIG: "x".repeat(4_096) };
    await assert.rejects(create(variables), {
      name: "InvalidParameterValueException",
      message: `${problem} exceeded the 4KB limit. String measured: ${JSON.stringify(variables)}`,
    });
  });

  for (const { what, variables } of [
    { what: "LD_PRELOAD of a library", variables: { LD_PRELOAD: "/var/task/mine.so" } },
    { what: "LD_LIBRARY_PATH", variables: { LD_LIBRARY_PATH: "/var/task" } },
    {
      what: "NODE_OPTIONS with --require",
      variables: { NODE_OPTIONS: "--require /var/task/hook.cjs" },
    },
    {
      what: "PYTHONPATH and PYTHONSTARTUP",
      variables: { PYTHONPATH: "/var/task", PYTHONSTARTUP: "/x" },
    },
    {
      what: "GCONV_PATH, LOCPATH and MALLOC_CHECK_",
      variables: { GCONV_PATH: "/var/task", LOCPATH: "/var/task", MALLOC_CHECK_: "3" },
    },
    {
      what: "BASH_ENV and IFS",
      variables: { BASH_ENV: "/var/task/hook.sh", IFS: "x", PS4: "$(id)" },
    },
  ])
    test(`${what}: only the function's own`, async () => {
      const name = `own-${Object.keys(variables)[0]}`;
      const files = { "index.mjs": seer, "hook.cjs": "globalThis.hooked = true;" };
      const settings = { Environment: { Variables: variables } };
      await deploy(target.lambda, name, files, settings);
      const seen = (await invoke(target.lambda, name)).payload as Seen; // `seer` answered
      for (const [key, value] of Object.entries(variables))
        assert.equal(seen.variables[key], value);
      // The control: the variable does what it says, in its own sandbox.
      if ("NODE_OPTIONS" in variables) assert.equal(seen.isHooked, true);

      await deploy(target.lambda, `beside-${name}`, { "index.mjs": seer });
      const beside = (await invoke(target.lambda, `beside-${name}`)).payload as Seen; // likewise
      assert.equal(beside.isHooked, false);
      for (const key of Object.keys(variables))
        assert.notEqual(
          beside.variables[key],
          Object.entries(variables).find(([own]) => own === key)?.[1],
        );
      const launched = process.env["LD_PRELOAD"];
      assert.equal(launched, undefined, "the platform's own is as it was");
    });
});

interface Seen {
  readonly variables: Readonly<Record<string, string>>;
  readonly isHooked: boolean;
}

/** Tells its variables, and whether a hook of the package was loaded into it or a process of its own. */
const seer = `import { spawnSync } from "node:child_process";
export const handler = async () => {
  const child = spawnSync(process.execPath, ["-p", "globalThis.hooked === true"], { encoding: "utf8" });
  return { variables: { ...process.env }, isHooked: globalThis.hooked === true || child.stdout.trim() === "true" };
};`;
