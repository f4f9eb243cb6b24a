import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { find } from "../support/commands.ts";
import { deploy, source } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { type Platform, startPlatform } from "./platform.ts";

let platform: Platform;
let lambda: LambdaClient;
let pythonRuntime: string | undefined;
before(async () => {
  platform = await startPlatform();
  lambda = new LambdaClient(platform.client);
  await deploy(lambda, "neighbour", { "index.mjs": await source("echo.mjs") });
  const response = await fetch(`${platform.endpoint}/_skerry/runtimes`);
  const { runtimes } = (await response.json()) as {
    runtimes: { identifier: string; usable: boolean }[];
  };
  pythonRuntime = runtimes.find(
    (row) => row.usable && row.identifier.startsWith("python"),
  )?.identifier;
});
after(async () => {
  lambda.destroy();
  await platform.stop();
});

interface Row {
  readonly what: string;
  readonly code: string;
  readonly handler?: string;
  readonly errorType: string;
  readonly message: RegExp;
  /** Members of the error besides type and message. */
  readonly members: readonly string[];
  /** What the REPORT says besides numbers; undefined: nothing. */
  readonly status?: string;
}

const requestId = "[0-9a-f-]{36}";
const exitStatus = (code: number): RegExp =>
  new RegExp(`^RequestId: ${requestId} Error: Runtime exited with error: exit status ${code}$`);
const noReason = new RegExp(
  `^RequestId: ${requestId} Error: Runtime exited without providing a reason$`,
);

const node: readonly Row[] = [
  {
    what: "a handler that is not exported",
    code: "export const other = 1;",
    errorType: "Runtime.HandlerNotFound",
    message: /^index\.handler is undefined or not exported$/,
    members: ["trace"],
    status: "Status: error\tError Type: Runtime.HandlerNotFound",
  },
  {
    what: "a handler that is no function",
    code: "export const handler = 1;",
    errorType: "Runtime.HandlerNotFound",
    message: /^index\.handler is not a function$/,
    members: ["trace"],
    status: "Status: error\tError Type: Runtime.HandlerNotFound",
  },
  {
    what: "a module that is not there",
    code: "export const handler = () => 1;",
    handler: "absent.handler",
    errorType: "Runtime.ImportModuleError",
    message: /^Error: Cannot find module 'absent'\nRequire stack:\n/,
    members: ["trace"],
    status: "Status: error\tError Type: Runtime.ImportModuleError",
  },
  {
    what: "a syntax error",
    code: "export const handler = (;",
    errorType: "Runtime.UserCodeSyntaxError",
    message: /^SyntaxError: Unexpected token ';'$/,
    members: ["trace"],
    status: "Status: error\tError Type: Runtime.UserCodeSyntaxError",
  },
  {
    what: "a handler's name without a dot",
    code: "export const handler = () => 1;",
    handler: "index",
    errorType: "Runtime.MalformedHandlerName",
    message: /^Bad handler$/,
    members: ["trace"],
    status: "Status: error\tError Type: Runtime.MalformedHandlerName",
  },
  {
    what: "a handler's name that climbs out",
    code: "export const handler = () => 1;",
    handler: "../index.handler",
    errorType: "Runtime.MalformedHandlerName",
    message: /^'\.\.\/index\.handler' is not a valid handler name\./,
    members: ["trace"],
    status: "Status: error\tError Type: Runtime.MalformedHandlerName",
  },
  {
    what: "a throw while the module loads",
    code: "throw new RangeError('no tide today');",
    errorType: "RangeError",
    message: /^no tide today$/,
    members: ["trace"],
  },
  {
    what: "a throw of something that is no error",
    code: "throw { tide: 'low' };",
    errorType: "object",
    message: /object/,
    members: ["trace"],
  },
  {
    what: "an exit while the module loads",
    code: "process.exit(3);",
    errorType: "Runtime.ExitError",
    message: exitStatus(3),
    members: [],
    status: "Status: error\tError Type: Runtime.ExitError",
  },
  {
    what: "an exit with success while the module loads",
    code: "process.exit(0);",
    errorType: "Runtime.ExitError",
    message: noReason,
    members: [],
    status: "Status: error\tError Type: Runtime.ExitError",
  },
  {
    what: "an exit in the handler",
    code: "export const handler = async () => process.exit(7);",
    errorType: "Runtime.ExitError",
    message: exitStatus(7),
    members: [],
    status: "Status: error\tError Type: Runtime.ExitError",
  },
  {
    what: "a signal to itself",
    code: "export const handler = async () => process.kill(process.pid, 'SIGKILL');",
    errorType: "Runtime.ExitError",
    message: /Error: Runtime exited with error: signal: killed$/,
    members: [],
    status: "Status: error\tError Type: Runtime.ExitError",
  },
];

const python: readonly Row[] = [
  {
    what: "a handler that is not there",
    code: "x = 1",
    errorType: "Runtime.HandlerNotFound",
    message: /^Handler 'handler' missing on module 'index'$/,
    members: ["requestId", "stackTrace"],
    status: "Status: error\tError Type: Runtime.HandlerNotFound",
  },
  {
    what: "a module that is not there",
    code: "x = 1",
    handler: "absent.handler",
    errorType: "Runtime.ImportModuleError",
    message: /^Unable to import module 'absent': No module named 'absent'$/,
    members: ["requestId", "stackTrace"],
    status: "Status: error\tError Type: Runtime.ImportModuleError",
  },
  {
    what: "a syntax error",
    code: "def handler(event, context:\n  return 1",
    errorType: "Runtime.UserCodeSyntaxError",
    message: /^Syntax error in module 'index': /,
    members: ["requestId", "stackTrace"],
    status: "Status: error\tError Type: Runtime.UserCodeSyntaxError",
  },
  {
    what: "a handler's name without a dot",
    code: "x = 1",
    handler: "index",
    errorType: "Runtime.MalformedHandlerName",
    message: /^Bad handler 'index': not enough values to unpack \(expected 2, got 1\)$/,
    members: ["requestId", "stackTrace"],
    status: "Status: error\tError Type: Runtime.MalformedHandlerName",
  },
  {
    what: "an exception while the module loads",
    code: "raise KeyError('no tide today')",
    errorType: "KeyError",
    message: /^'no tide today'$/,
    members: ["requestId", "stackTrace"],
  },
  {
    what: "an exit while the module loads",
    code: "import os; os._exit(3)",
    errorType: "Runtime.ExitError",
    message: exitStatus(3),
    members: [],
    status: "Status: error\tError Type: Runtime.ExitError",
  },
];

/** Deploys the row and calls it twice: a broken function must answer each time, and its neighbour too. */
async function check(name: string, row: Row, language: "nodejs24.x" | "python"): Promise<void> {
  const isNode = language === "nodejs24.x";
  await deploy(
    lambda,
    name,
    { [isNode ? "index.mjs" : "index.py"]: row.code },
    {
      Handler: row.handler ?? "index.handler",
      ...(!isNode && { Runtime: pythonRuntime as "python3.14" }), // whichever this machine has
    },
  );
  const seen = new Set<string>();
  for (const attempt of ["first", "second"]) {
    const { error, payload, log } = await invoke(lambda, name);
    assert.equal(error, "Unhandled", attempt);
    const { errorType, errorMessage, ...rest } = payload as Record<string, unknown>; // checked below
    assert.equal(errorType, row.errorType);
    assert.match(String(errorMessage), row.message);
    assert.deepEqual(Object.keys(rest).toSorted(), [...row.members].toSorted());
    seen.add(checkLog(log, row.status));
  }
  assert.equal(seen.size, 2, "each call has a request id of its own");
  const { payload } = await invoke(lambda, "neighbour", { still: "here" });
  assert.deepEqual((payload as { event: unknown }).event, { still: "here" });
}

/** START, END and REPORT once each, of one request; answers with its id. */
function checkLog(log: string, status: string | undefined): string {
  const ids = ["START", "END", "REPORT"].map((word) => {
    const found = [...log.matchAll(new RegExp(`^${word} RequestId: (${requestId})`, "gm"))];
    assert.equal(found.length, 1, `${word} in\n${log}`);
    return found[0]?.[1] ?? "";
  });
  assert.equal(new Set(ids).size, 1);
  const report = /^REPORT .*$/m.exec(log)?.[0] ?? "";
  assert.match(report, /\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\t/);
  assert.equal(/Status: .*$/.exec(report)?.[0].trim(), status);
  return ids[0] ?? "";
}

describe("Node", { concurrency: 3 }, () => {
  for (const [index, row] of node.entries()) {
    test(`${row.what} is ${row.errorType}`, () => check(`node-${index}`, row, "nodejs24.x"));
  }
});

describe("Python", { concurrency: 3, skip: find("python3") ? false : "no python3" }, () => {
  for (const [index, row] of python.entries()) {
    test(`${row.what} is ${row.errorType}`, async (t) => {
      if (pythonRuntime === undefined) return t.skip("no Python 3.11 or newer on this machine");
      await check(`python-${index}`, row, "python");
    });
  }
});

describe("functions that take too much", { concurrency: true }, () => {
  test("an init that never ends is a timeout of the function's own length", async () => {
    await deploy(
      lambda,
      "endless-init",
      { "index.mjs": "await new Promise((resolve) => setTimeout(resolve, 1e9));" },
      { Timeout: 1 },
    );
    const { error, payload, log } = await invoke(lambda, "endless-init");
    assert.equal(error, "Unhandled");
    const { errorType, errorMessage } = payload as Record<string, unknown>; // checked below
    assert.equal(errorType, "Sandbox.Timedout");
    assert.match(
      String(errorMessage),
      /^RequestId: [0-9a-f-]{36} Error: Task timed out after 1\.00 seconds$/,
    );
    assert.match(log, /Task timed out after 1\.00 seconds/);
    checkLog(log, "Status: timeout");
    assert.equal((await invoke(lambda, "neighbour")).error, undefined);
  });

  test("a handler that never ends, busy or waiting, is cut off at its timeout", async () => {
    const code = `export const handler = async (event) => {
    if (event.busy) for (;;);
    if (event.wait) await new Promise((resolve) => setTimeout(resolve, 1e9));
    return process.pid;
  };`;
    await deploy(lambda, "endless", { "index.mjs": code }, { Timeout: 1 });
    for (const event of [{ busy: true }, { wait: true }]) {
      const { error, payload, log } = await invoke(lambda, "endless", event);
      assert.equal(error, "Unhandled");
      assert.equal((payload as { errorType: string }).errorType, "Sandbox.Timedout");
      checkLog(log, "Status: timeout");
    }
    assert.equal((await invoke(lambda, "endless")).error, undefined);
  });

  test("memory beyond the function's size ends it, and only it", async () => {
    const code = `export const handler = async (event) => {
    const held = [];
    for (let mib = 0; mib < event.mib; mib += 16) held.push(Buffer.alloc(16 << 20, 1));
    return held.length;
  };`;
    await deploy(lambda, "hungry", { "index.mjs": code });
    const { error, payload, log } = await invoke(lambda, "hungry", { mib: 1024 });
    assert.equal(error, "Unhandled");
    const { errorType, errorMessage } = payload as Record<string, unknown>; // checked below
    assert.equal(errorType, "Runtime.ExitError");
    assert.match(String(errorMessage), /Error: Runtime exited with error: signal: killed$/);
    checkLog(log, "Status: error\tError Type: Runtime.OutOfMemory");
    assert.equal((await invoke(lambda, "hungry", { mib: 16 })).payload, 1);
  });

  test("what is thrown or left rejected after the answer costs the environment, not the platform", async () => {
    const code = `let calls = 0;
  export const handler = async (event) => {
    calls += 1;
    if (event.later) setTimeout(() => { throw new Error("too late"); }, 1);
    return calls;
  };`;
    await deploy(lambda, "afterthought", { "index.mjs": code });
    assert.equal((await invoke(lambda, "afterthought", { later: true })).payload, 1);
    const answers = new Set<string>();
    for (let call = 0; call < 3; call++) {
      const { error, payload } = await invoke(lambda, "afterthought");
      answers.add(error === undefined ? "answered" : (payload as { errorType: string }).errorType);
    }
    assert.ok(answers.has("answered"));
    // An exit in between is told to the call that met it, as the service does; never a 5xx of ours.
    const known = new Set(["answered", "Runtime.ExitError", "Error"]);
    assert.deepEqual(answers.difference(known), new Set());
    assert.equal((await invoke(lambda, "neighbour")).error, undefined);
  });

  test("many processes of one function leave the platform and the others alone", async () => {
    const code = `import { spawn } from "node:child_process";
  export const handler = async () => {
    let started = 0;
    try {
      for (let n = 0; n < 2000; n++) {
        const child = spawn("/bin/sleep", ["1000"], { stdio: "ignore" });
        child.on("error", () => {});
        if (child.pid) started += 1; else break;
      }
    } catch {}
    return started;
  };`;
    await deploy(lambda, "crowd", { "index.mjs": code }, { Timeout: 20, MemorySize: 1769 });
    const { payload } = await invoke(lambda, "crowd");
    assert.ok(typeof payload === "object" || Number(payload) <= 1_024, JSON.stringify(payload));
    assert.equal((await invoke(lambda, "neighbour")).error, undefined);
  });

  test("whatever it does to its own sandbox, the next call gets a working one", async () => {
    const code = `import { closeSync } from "node:fs";
    import { spawn } from "node:child_process";
    const tried = (work) => { try { work(); } catch {} };
    const deeds = {
      "closes every descriptor": () => { for (let fd = 3; fd < 64; fd++) tried(() => closeSync(fd)); },
      "closes its output": () => { closeSync(1); closeSync(2); },
      "kills whoever it finds": () => { for (let id = 1; id < 64; id++) tried(() => process.kill(id, "SIGKILL")); },
      "leaves a flooding child": () => spawn("/bin/sh", ["-c", "while :; do echo REPORT; done"],
        { detached: true, stdio: ["ignore", 1, 2] }).unref(),
    };
    export const handler = async ({ deed }) => { deeds[deed]?.(); return "fine"; };`;
    await deploy(lambda, "rude", { "index.mjs": code });
    const expected: readonly (readonly [string, string])[] = [
      ["closes every descriptor", "Runtime.ExitError"],
      ["kills whoever it finds", "Runtime.ExitError"],
      ["leaves a flooding child", "fine"],
      ["closes its output", "fine"],
    ];
    for (const [deed, answer] of expected) {
      const { error, payload } = await invoke(lambda, "rude", { deed });
      const told = error === undefined ? payload : (payload as { errorType: string }).errorType;
      assert.equal(told, answer, deed);
      assert.equal((await invoke(lambda, "rude")).payload, "fine", `after one that ${deed}`);
      assert.equal((await invoke(lambda, "neighbour")).error, undefined);
    }
  });
});
