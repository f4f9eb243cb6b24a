/**
 * The tour: starts Skerry on a free port, deploys functions in three languages through the ordinary
 * AWS SDK, calls them over HTTP, lets one misbehave in three ways, shows logs and a trace, sends an upload
 * through six services, and stops.
 * Leaves nothing behind.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  InvokeCommand,
  LambdaClient,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import { transform } from "esbuild";
import { renderTree, type TraceSpan } from "#cli/trace-tree.ts";
import { start } from "#main.ts";
import { publish } from "../test/support/functions.ts";
import { zip } from "../test/support/zip.ts";
import { showThumbnails } from "./demo-thumbnails.ts";

const example = (path: string): string =>
  new URL(`../examples/first-light/${path}`, import.meta.url).pathname;
const say = (text = ""): void => console.log(text);
const title = (text: string): void => say(`\n\x1b[1m${text}\x1b[0m`);
const elapsed = async <T>(work: () => Promise<T>): Promise<[T, string]> => {
  const startMs = performance.now();
  const result = await work();
  return [result, `${(performance.now() - startMs).toFixed(1)} ms`];
};

const workDir = await mkdtemp(join(tmpdir(), "skerry-demo-"));
title("1. Start");
const [server, startedIn] = await elapsed(() =>
  start({ dataDir: join(workDir, "data"), storage: "lmdb" }),
);
try {
  say(`Skerry listens on ${server.url} after ${startedIn}.`);
  say(`Isolation: ${server.isolation}`);
  for (const notice of server.notices) say(`  ! ${notice}`);
  await tour();
} finally {
  await server[Symbol.asyncDispose]();
  await rm(workDir, { recursive: true, force: true });
}
title("Stopped; nothing is left running.");
process.exit(0);

async function tour(): Promise<void> {
  const settings = {
    endpoint: server.url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const lambda = new LambdaClient(settings);
  const roleArn = await createRole(new IAMClient(settings));

  title("2. Deploy with the AWS SDK, call over HTTP");
  const urls = new Map<string, string>();
  for (const [name, input] of Object.entries(await packages(roleArn))) {
    const [url, took] = await elapsed(() => deploy(lambda, name, input));
    urls.set(name, url);
    say(`${name} (${input.Runtime}) deployed in ${took}\n  ${url}`);
  }

  title("3. Cold and warm");
  let traceId = "";
  for (const [name, url] of urls) {
    const [cold, coldTook] = await elapsed(() => get(server.port, `${url}${name}?name=Skerry`));
    say(`${name}: ${cold.status} ${cold.body}`);
    const warm: number[] = [];
    for (let count = 0; count < 20; count++) {
      const startMs = performance.now();
      await get(server.port, url);
      warm.push(performance.now() - startMs);
    }
    const median = warm.toSorted((a, b) => a - b)[10] ?? 0;
    say(`  first call ${coldTook}, then ${median.toFixed(1)} ms (median of 20, client included)`);
    if (name === "hello") traceId = /Root=([^;]+)/.exec(cold.trace)?.[1] ?? "";
  }

  title("4. Trouble stays in its sandbox");
  await createFunction(lambda, "trouble", {
    ...common(roleArn),
    Runtime: "nodejs24.x",
    Handler: "trouble.handler",
    MemorySize: 128,
    Timeout: 2,
    Code: { ZipFile: await zip({ "trouble.mjs": await readFile(example("trouble.mjs")) }) },
  });
  for (const trouble of ["throw", "crash", "timeout", "memory"]) {
    const [answer, took] = await elapsed(() =>
      lambda.send(
        new InvokeCommand({ FunctionName: "trouble", Payload: JSON.stringify({ trouble }) }),
      ),
    );
    say(`${trouble}: ${Buffer.from(answer.Payload ?? []).toString()} (${took})`);
  }
  const [well] = await elapsed(() => get(server.port, urls.get("hello") ?? ""));
  say(`and hello still answers: ${well.status}`);

  title("5. Logs");
  const logs = new CloudWatchLogsClient(settings);
  const page = await logs.send(
    new FilterLogEventsCommand({ logGroupName: "/aws/lambda/trouble", limit: 14 }),
  );
  for (const event of page.events ?? []) say(`  ${(event.message ?? "").trimEnd().slice(0, 160)}`);

  title("6. Where the first call of hello spent its time");
  const response = await fetch(`${server.url}/_skerry/traces/${traceId}`);
  const { spans } = (await response.json()) as { spans: TraceSpan[] }; // the platform's own route
  for (const line of renderTree(spans)) say(`  ${line}`);

  title("7. An upload wakes a function, its row another, and a topic tells a queue");
  await showThumbnails(settings, say);
}

async function createRole(iam: IAMClient): Promise<string> {
  const statement = {
    Effect: "Allow",
    Principal: { Service: "lambda.amazonaws.com" },
    Action: "sts:AssumeRole",
  };
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: "demo",
      AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
    }),
  );
  return Role?.Arn ?? "";
}

type Deployment = Omit<CreateFunctionCommandInput, "FunctionName">;

function common(roleArn: string): { Role: string; MemorySize: number; Timeout: number } {
  return { Role: roleArn, MemorySize: 256, Timeout: 10 };
}

/** What can be deployed here: a language whose toolchain is missing is named and left out. */
async function packages(roleArn: string): Promise<Record<string, Deployment>> {
  const hello = await transform(await readFile(example("hello.ts")), {
    loader: "ts",
    format: "esm",
  });
  const found: Record<string, Deployment> = {
    hello: {
      ...common(roleArn),
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Code: { ZipFile: await zip({ "index.mjs": hello.code }) },
    },
  };
  const python = await pythonRuntime();
  if (python === undefined)
    say("no Python 3.11 or newer with boto3 here: the Python function is left out");
  else {
    found["weather"] = {
      ...common(roleArn),
      Runtime: python,
      Handler: "weather.handler",
      Code: { ZipFile: await zip({ "weather.py": await readFile(example("weather.py")) }) },
    };
  }
  const bootstrap = await buildGo();
  if (bootstrap === undefined) say("no Go toolchain here: the Go function is left out");
  else {
    found["gopher"] = {
      ...common(roleArn),
      Runtime: "provided.al2023",
      Handler: "bootstrap",
      Code: { ZipFile: await zip({ bootstrap }, { bootstrap: 0o100755 }) },
    };
  }
  return found;
}

async function pythonRuntime(): Promise<CreateFunctionCommandInput["Runtime"] | undefined> {
  const response = await fetch(`${server.url}/_skerry/runtimes`);
  const { runtimes } = (await response.json()) as {
    runtimes: { identifier: CreateFunctionCommandInput["Runtime"]; usable: boolean }[];
  }; // the platform's own route
  return runtimes.find((entry) => entry.usable && entry.identifier?.startsWith("python"))
    ?.identifier;
}

async function buildGo(): Promise<Uint8Array | undefined> {
  const output = join(workDir, "bootstrap");
  const build = spawnSync("go", ["build", "-o", output, "."], {
    cwd: example("go"),
    env: { ...process.env, CGO_ENABLED: "0" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return build.status === 0 ? readFile(output) : undefined;
}

async function createFunction(
  lambda: LambdaClient,
  name: string,
  input: Deployment,
): Promise<void> {
  await lambda.send(new CreateFunctionCommand({ FunctionName: name, ...input }));
  await waitUntilFunctionActiveV2(
    { client: lambda, maxWaitTime: 60, minDelay: 0.1 },
    { FunctionName: name },
  );
}

async function deploy(lambda: LambdaClient, name: string, input: Deployment): Promise<string> {
  await createFunction(lambda, name, input);
  return publish(lambda, name);
}

/** Plain HTTP with the Host the URL names; every `*.localhost` is this machine, resolver or not. */
async function get(
  port: number,
  url: string,
): Promise<{ status: number; body: string; trace: string }> {
  const { host, pathname, search } = new URL(url);
  const { request } = await import("node:http");
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: "127.0.0.1", port, path: pathname + search, headers: { host } },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => void (body += chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            body,
            trace: String(response.headers["x-amzn-trace-id"] ?? ""),
          }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}
