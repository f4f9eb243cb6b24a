#!/usr/bin/env node
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { basename } from "node:path";
import { createInterface } from "node:readline";

// An extension that says what happens to it, and misbehaves as MODE says.
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}`;
const name = basename(process.argv[1]);
const mode = process.env.MODE ?? "";
const say = (what, detail = "") => console.log(`${name}: ${what} ${JSON.stringify(detail)}`);
/** Lines of different processes may change places on their way; the time in them does not. */
const sayWhen = (what) =>
  console.log(`${name}: ${what} at ${performance.timeOrigin + performance.now()}`);

sayWhen("begins");
if (mode === "exit") process.exit(3);
const registered = await fetch(`${api}/2020-01-01/extension/register`, {
  method: "POST",
  headers: { "Lambda-Extension-Name": name, "Lambda-Extension-Accept-Feature": "accountId" },
  body: JSON.stringify({ events: ["INVOKE", "SHUTDOWN"] }),
});
const id = registered.headers.get("lambda-extension-identifier");
const headers = { "Lambda-Extension-Identifier": id };
say("registered", { ...(await registered.json()), variables: Object.keys(process.env) });

if (mode === "init-error") {
  const answer = await fetch(`${api}/2020-01-01/extension/init/error`, {
    method: "POST",
    headers: { ...headers, "Lambda-Extension-Function-Error-Type": "Extension.NoConfig" },
    body: JSON.stringify({ errorMessage: "none", errorType: "Extension.NoConfig" }),
  });
  say("init error", answer.status);
  process.exit(1);
}
if (mode === "telemetry") {
  await subscribe("/2022-07-01/telemetry", {
    schemaVersion: "2022-12-13",
    types: ["platform", "function"],
    buffering: { timeoutMs: 25 },
    destination: { protocol: "HTTP", URI: `http://sandbox.localdomain:${await collectHttp()}/in` },
  });
  await subscribe("/2020-08-15/logs", {
    schemaVersion: "2021-03-18",
    types: ["platform", "function"],
    destination: { protocol: "TCP", port: await collectTcp() },
  });
}
for (;;) {
  const response = await fetch(`${api}/2020-01-01/extension/event/next`, { headers });
  const event = await response.json();
  if (event.eventType === "SHUTDOWN") sayWhen("is to end");
  say(event.eventType, event);
  if (event.eventType === "SHUTDOWN") break;
  if (mode === "crash") process.exit(4);
  // Between two invocations: the next question is under way then.
  if (mode === "leave") setTimeout(() => process.exit(5), 20);
  if (mode === "never") await new Promise((resolve) => setTimeout(resolve, 3_600_000));
}
say("leaving");

async function subscribe(path, body) {
  const answer = await fetch(`${api}${path}`, {
    method: "PUT",
    headers,
    body: JSON.stringify(body),
  });
  say("subscribed", [answer.status, await answer.text()]);
}

/** Receives on POST, tells all it has received on GET. */
function collectHttp() {
  const events = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      if (request.method === "POST") events.push(...JSON.parse(body));
      response.end(JSON.stringify(events));
    });
  });
  return new Promise((resolve) => {
    server.listen(4243, "sandbox.localdomain", () => resolve(4243));
  });
}

function collectTcp() {
  const server = createTcpServer((socket) => {
    createInterface({ input: socket }).on("line", (line) => {
      const { type, record } = JSON.parse(line);
      // The platform marks what reads like a line of its own; this does not.
      if (type.startsWith("platform.")) say(`logs ${type}`, record);
    });
  });
  return new Promise((resolve) => {
    server.listen(4244, "sandbox.localdomain", () => resolve(4244));
  });
}
