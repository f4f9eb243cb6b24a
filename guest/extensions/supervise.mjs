import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { request } from "node:http";
import net from "node:net";
import { fields, kinds } from "../node/channel.mjs";
import { place } from "../node/paths.mjs";

/**
 * What stays in memory when a function has extensions: starts them and the runtime as processes of
 * their own, tells the platform of their output and their ends, ends them when told to, and delivers
 * telemetry to ports that only exist in here. See ../CHANNEL.md, "Extensions".
 */
const folder = "/opt/extensions";
const deliveryTimeoutMs = 2_000;

/** Variables an extension does not get (developer guide, "Extensions API": environment variables). */
const runtimeOnly = [
  "AWS_EXECUTION_ENV",
  "AWS_LAMBDA_LOG_GROUP_NAME",
  "AWS_LAMBDA_LOG_STREAM_NAME",
  "AWS_XRAY_CONTEXT_MISSING",
  "AWS_XRAY_DAEMON_ADDRESS",
  "LAMBDA_RUNTIME_DIR",
  "LAMBDA_TASK_ROOT",
  "_AWS_XRAY_DAEMON_ADDRESS",
  "_AWS_XRAY_DAEMON_PORT",
  "_HANDLER",
];

/** Takes over the channel: answers with what is to be called for each frame from now on. */
export function supervise({ channel, names, command, environment, runtimeEnvironment }) {
  const processes = new Map();
  const sockets = new Map();
  const outputs = new Set();
  const ofExtensions = { ...environment };
  for (const name of runtimeOnly) delete ofExtensions[name];

  channel.send(
    kinds.extensions,
    0,
    names.map((name) => [fields.name, name]),
  );

  return (frame) => {
    const name = frame.metadata.get(fields.name) ?? "";
    if (frame.kind === kinds.launch && name === "") startRuntime();
    else if (frame.kind === kinds.launch) startExtension(name);
    else if (frame.kind === kinds.terminate) signal(name, "SIGTERM");
    else if (frame.kind === kinds.kill) signal(name, "SIGKILL");
    else if (frame.kind === kinds.deliver) void deliver(frame);
    else process.exit(1);
  };

  function startExtension(name) {
    const path = `${place(folder)}/${name}`;
    try {
      accessSync(path, constants.X_OK);
    } catch {
      return exited(name, [[fields.errorType, "PermissionDenied"]]);
    }
    const child = start(name, [path], {
      cwd: place("/"),
      env: ofExtensions,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of ["stdout", "stderr"]) relay(name, stream, child[stream]);
  }

  function startRuntime() {
    const stdio = ["ignore", "inherit", "inherit"];
    const env = runtimeEnvironment ?? environment;
    start("", command, { cwd: place("/var/task"), env, stdio });
  }

  function start(name, [program, ...rest], options) {
    // A group of its own, so that what it starts ends with it.
    const child = spawn(program, rest, { ...options, detached: true });
    processes.set(name, child);
    child.on("error", () => {
      if (child.pid === undefined) exited(name, [[fields.errorType, "UnknownError"]]);
    });
    child.on("exit", (code, signalName) => {
      const how = code === null ? [fields.signal, signalName] : [fields.code, String(code)];
      exited(name, [how]);
    });
    return child;
  }

  function exited(name, how) {
    channel.send(kinds.exited, 0, [[fields.name, name], ...how]);
  }

  function relay(name, stream, output) {
    outputs.add(output);
    output.on("close", () => outputs.delete(output));
    output.on("data", (bytes) => {
      const metadata = [
        [fields.name, name],
        [fields.stream, stream],
      ];
      if (channel.send(kinds.output, 0, metadata, bytes)) return;
      // The platform reads slowly: whoever prints waits, as with any pipe.
      for (const each of outputs) each.pause();
      channel.drained(() => {
        for (const each of outputs) each.resume();
      });
    });
  }

  function signal(name, signalName) {
    const child = processes.get(name);
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      // Told to end is the process itself; killed is all that it started.
      process.kill(signalName === "SIGKILL" ? -child.pid : child.pid, signalName);
    } catch {
      // It ended by itself.
    }
  }

  async function deliver(frame) {
    const isTaken = await (frame.metadata.get(fields.protocol) === "TCP" ? overTcp : overHttp)(
      Number(frame.metadata.get(fields.port)),
      frame,
    ).catch(() => false);
    channel.send(kinds.delivered, frame.number, [[fields.taken, isTaken ? "1" : "0"]]);
  }

  function overHttp(port, { metadata, body }) {
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: "127.0.0.1",
          port,
          path: metadata.get(fields.path),
          method: metadata.get(fields.method),
          headers: { "Content-Type": "application/json", "Content-Length": body.length },
          timeout: deliveryTimeoutMs,
        },
        (response) => {
          response.resume();
          resolve(response.statusCode >= 200 && response.statusCode < 300);
        },
      );
      sent.on("timeout", () => sent.destroy(new Error("late")));
      sent.on("error", reject);
      sent.end(body);
    });
  }

  function overTcp(port, { body }) {
    let socket = sockets.get(port);
    if (!socket) {
      socket = net.connect({ host: "127.0.0.1", port });
      sockets.set(port, socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(port));
      socket.resume();
    }
    return new Promise((resolve, reject) => {
      socket.once("close", () => reject(new Error("closed")));
      socket.write(body, (error) => (error ? reject(error) : resolve(true)));
    });
  }
}
