import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { deploy, publish } from "../../test/support/functions.ts";
import type { TargetId } from "../targets.ts";
import { fromGo, fromNpm, fromPypi, installed } from "./install.ts";
import { end, freePort, launch, type Program, type RunningPeer, untilReady } from "./running.ts";

/** A program that does what a function URL does, beside ours. */
export interface Peer {
  readonly name: string;
  /** What kind of thing it is, for the reader of a table. */
  readonly what: string;
  readonly target?: TargetId;
  /** Installs it if need be and starts it; fails with what was in the way. */
  start(): Promise<RunningPeer>;
}

const handler = `const body = "x".repeat(256);`;

export const peers: readonly Peer[] = [
  {
    name: "workerd 1.20261117.1",
    what: "isolates in one process, the runtime under miniflare; written in C++",
    async start() {
      const folder = await installed("workerd", fromNpm("workerd@1.20261117.1"));
      const worker = `${handler}
export default { fetch: () => new Response(body, { headers: { "content-type": "text/plain" } }) };`;
      await writeFile(join(folder, "worker.mjs"), worker);
      const port = await freePort();
      await writeFile(join(folder, "config.capnp"), workerdConfig(port));
      const binary = `node_modules/@cloudflare/workerd-linux-${process.arch === "x64" ? "64" : process.arch}/bin/workerd`;
      return await serve(
        { command: [join(folder, binary), "serve", "config.capnp"], cwd: folder },
        port,
      );
    },
  },
  {
    name: "functions-framework 5.0.5",
    what: "one Node process, the function loaded into it",
    async start() {
      const what = fromNpm("@google-cloud/functions-framework@5.0.5");
      const folder = await installed("functions-framework", what);
      await writeFile(
        join(folder, "index.js"),
        `${handler}\nexports.handler = (_request, response) => response.type("text/plain").send(body);`,
      );
      const port = await freePort();
      const main = "node_modules/@google-cloud/functions-framework/build/src/main.js";
      const args = [main, "--target=handler", `--port=${port}`];
      return await serve({ command: [process.execPath, ...args], cwd: folder }, port);
    },
  },
  {
    name: "serverless-offline 14.8.2",
    what: "Lambda and API Gateway emulated in Node, functions in worker threads (osls 4.3.1)",
    async start() {
      const what = fromNpm("serverless-offline@14.8.2", "osls@4.3.1");
      const folder = await installed("serverless-offline", what);
      await writeFile(
        join(folder, "index.js"),
        `${handler}\nexports.handler = async () => ({ statusCode: 200, headers: { "content-type": "text/plain" }, body });`,
      );
      await writeFile(join(folder, "serverless.yml"), serverlessConfig);
      const [port, lambdaPort] = [await freePort(), await freePort()];
      const ports = [`--httpPort=${port}`, `--lambdaPort=${lambdaPort}`];
      const osls = "node_modules/osls/bin/serverless.js";
      const args = [osls, "offline", "start", ...ports, "--noPrependStageInUrl"];
      const env = {
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
        SLS_TELEMETRY_DISABLED: "1",
      };
      return await serve({ command: [process.execPath, ...args], cwd: folder, env }, port);
    },
  },
  {
    name: "ministack 1.5.33",
    what: "AWS emulated in Python, its local executor: Node processes that are not isolated",
    target: "warm-ministack",
    async start() {
      const folder = await installed("ministack", fromPypi("ministack==1.5.33"));
      const port = await freePort();
      const env = { GATEWAY_PORT: String(port), LAMBDA_EXECUTOR: "local" };
      const command = [join(folder, "bin/ministack")] as const;
      const running = await serve({ command, cwd: folder, env }, port);
      const lambda = new LambdaClient({
        endpoint: `http://127.0.0.1:${port}`,
        region: "us-east-1",
        credentials: { accessKeyId: "test", secretAccessKey: "test" },
      });
      const code = `${handler}\nexports.handler = async () => ({ statusCode: 200, headers: { "content-type": "text/plain" }, body });`;
      const settings = { Runtime: "nodejs22.x", MemorySize: 1769 } as const;
      try {
        await deploy(lambda, "warm", { "index.js": code }, settings);
        return { ...running, host: new URL(await publish(lambda, "warm")).host };
      } catch (error) {
        await running[Symbol.asyncDispose]();
        throw error;
      } finally {
        lambda.destroy();
      }
    },
  },
  {
    name: "Nuclio's processor, Node",
    what: "FaaS data plane in Go, Node workers behind sockets; 32 workers",
    target: "warm-nuclio",
    async start() {
      const folder = await installed(
        "nuclio",
        fromGo("github.com/nuclio/nuclio", "./cmd/processor"),
      );
      const code = `${handler}
exports.handler = (context) => context.callback(new context.Response(body, {}, "text/plain", 200));`;
      await writeFile(join(folder, "handler.js"), code);
      const port = await freePort();
      await writeFile(join(folder, "processor.yaml"), nuclioConfig(port));
      const wrapper = "module/pkg/processor/runtime/nodejs/js/wrapper.js";
      const env = {
        NUCLIO_NODEJS_WRAPPER_PATH: join(folder, wrapper),
        NUCLIO_HANDLER_DIR: folder,
      };
      const command = [join(folder, "program"), "--config", "processor.yaml"] as const;
      return await serve({ command, cwd: folder, env }, port);
    },
  },
  {
    name: "OpenFaaS of-watchdog, http mode",
    what: "a proxy in Go before one Node process",
    async start() {
      const folder = await installed("of-watchdog", fromGo("github.com/openfaas/of-watchdog", "."));
      const [port, upstream] = [await freePort(), await freePort()];
      const code = `${handler}
require("node:http").createServer((_request, response) => response.writeHead(200, { "content-type": "text/plain" }).end(body)).listen(${upstream}, "127.0.0.1");`;
      await writeFile(join(folder, "handler.js"), code);
      const env = {
        mode: "http",
        port: String(port),
        fprocess: `${process.execPath} handler.js`,
        upstream_url: `http://127.0.0.1:${upstream}`,
      };
      return await serve({ command: [join(folder, "program")], cwd: folder, env }, port);
    },
  },
];

async function serve(program: Program, port: number): Promise<RunningPeer> {
  const [binary] = program.command;
  if (!existsSync(binary)) throw new Error("its package has no program for this machine");
  const child = launch(program);
  const url = `http://127.0.0.1:${port}/`;
  try {
    await untilReady(child, url);
  } catch (error) {
    await end(child);
    throw error;
  }
  return { url, pid: child.pid ?? 0, [Symbol.asyncDispose]: () => end(child) };
}

function workerdConfig(port: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
    compatibilityDate = "2026-01-01",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;
}

const serverlessConfig = `service: bench
provider:
  name: aws
  runtime: nodejs22.x
plugins: [serverless-offline]
functions:
  warm:
    handler: index.handler
    events: [{ httpApi: "GET /" }]
`;

function nuclioConfig(port: number): string {
  return `metadata: { name: warm, namespace: bench }
spec:
  runtime: nodejs
  handler: handler:handler
  triggers:
    http: { kind: http, maxWorkers: 32, url: "127.0.0.1:${port}" }
`;
}
