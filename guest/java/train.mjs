import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { createChannel, kinds, openSocket } from "../node/channel.mjs";
import { handOutListeners } from "../node/listeners.mjs";
import { place } from "../node/paths.mjs";
import { javaOptions } from "./options.mjs";

/**
 * Makes the archive of loaded classes that shortens later starts: runs the client with a method of
 * the Java library as its handler through a good and a bad event, in a sandbox that never held anyone's
 * code, and sends the archive over the channel (STREAM_DATA …, STREAM_END; ERROR when there is none).
 */
const archive = place("/tmp/classes.jsa");
const chunkBytes = 4 * 1024 * 1024;
/** The second has a null, which this handler refuses: reporting an error is trained too. */
const events = ['{"a":{"b":[1,2.5,"c",true]}}', '{"a":null}'];

await handOutListeners();
const channel = createChannel(openSocket(), () => process.exit(1));
channel.send(kinds.ready, 0);

const api = createServer((request, response) => {
  request.resume();
  if (!request.url.endsWith("/next")) {
    response.writeHead(202).end('{"status":"OK"}');
    return;
  }
  const event = events.shift();
  if (event === undefined) {
    // Told to end, a Java machine writes its archive first.
    machine.kill("SIGTERM");
    return;
  }
  response.writeHead(200, {
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": `training-${events.length}`,
    "Lambda-Runtime-Deadline-Ms": String(Date.now() + 60_000),
    "Lambda-Runtime-Invoked-Function-Arn":
      "arn:aws:lambda:us-east-1:000000000000:function:training",
  });
  response.end(event);
});
await new Promise((resolve) => api.listen(0, "127.0.0.1", resolve));

const folder = place("/var/runtime/lib");
const options = javaOptions({
  memoryMiB: 512,
  customerOptions: "",
  major: Number(process.env.SKERRY_JAVA_MAJOR),
  archive: undefined,
  classPath: readdirSync(folder)
    .filter((name) => name.endsWith(".jar"))
    .toSorted()
    .map((name) => `${folder}/${name}`),
});
const machine = spawn(
  place("/var/lang/bin/java"),
  [`-XX:ArchiveClassesAtExit=${archive}`, ...options, "java.util.Map::copyOf"],
  {
    cwd: place("/tmp"),
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      LANG: "en_US.UTF-8",
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${api.address().port}`,
      AWS_LAMBDA_FUNCTION_NAME: "training",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
      AWS_LAMBDA_LOG_GROUP_NAME: "training",
      AWS_LAMBDA_LOG_STREAM_NAME: "training",
    },
  },
);
machine.on("error", deliver);
machine.on("exit", deliver);

function deliver() {
  let bytes;
  try {
    bytes = readFileSync(archive);
  } catch {
    channel.send(kinds.error, 0, [], undefined, true);
    channel.flush(() => process.exit(1));
    return;
  }
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    channel.send(kinds.streamData, 0, [], bytes.subarray(at, at + chunkBytes));
  }
  channel.send(kinds.streamEnd, 0, [], undefined, true);
  channel.flush(() => process.exit(0));
}
