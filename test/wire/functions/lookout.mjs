import {
  accessSync,
  constants,
  readdirSync,
  readFileSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";

const tried = (work) => {
  try {
    return { value: work() };
  } catch (error) {
    return { code: error.code ?? error.name };
  }
};

/** Whether something listens there, or how the attempt ended. */
const knock = (host, port) =>
  new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 2_000 });
    socket.on("connect", () => resolve("open")).on("timeout", () => resolve("silent"));
    socket.on("error", (error) => resolve(error.code));
    socket.on("connect", () => socket.destroy()).on("timeout", () => socket.destroy());
  });

/** The status the proxy answers with to CONNECT. */
const throughProxy = (target) =>
  new Promise((resolve) => {
    const proxy = new URL(process.env.HTTPS_PROXY ?? "http://127.0.0.1:3128");
    const socket = net.connect({ host: proxy.hostname, port: Number(proxy.port) });
    socket.on("error", (error) => resolve(error.code));
    socket.on("data", (bytes) => {
      resolve(Number(bytes.toString().split(" ")[1]));
      socket.destroy();
    });
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  });

/** Looks around from inside of a sandbox and tells what it saw. */
export async function handler({ hostPort, proxied = [] }) {
  const targets = [
    ["127.0.0.1", hostPort],
    ["169.254.169.254", 80],
    ["10.0.0.1", 80],
    ["192.0.2.1", 80],
    ["::1", hostPort],
  ];
  const reached = {};
  for (const [host, port] of targets) reached[host] = await knock(host, port);
  const seen = {};
  for (const target of proxied) seen[target] = await throughProxy(target);
  return {
    reached,
    proxied: seen,
    proxy: process.env.HTTPS_PROXY ?? null,
    uid: process.getuid(),
    environment: Object.keys(process.env).toSorted(),
    processes: readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length,
    task: readdirSync("/var/task"),
    root: readdirSync("/"),
    writeTask: tried(() => writeFileSync("/var/task/new", "x")).code,
    writeRuntime: tried(() => writeFileSync("/var/runtime/new", "x")).code,
    writeCode: tried(() => writeFileSync("/var/task/index.mjs", "x")).code,
    corePattern: tried(() => writeFileSync("/proc/sys/kernel/core_pattern", "|/bin/sh")).code,
    oomScore: tried(() => writeFileSync("/proc/self/oom_score_adj", "-1000")).code,
    tmp: tried(() => {
      writeFileSync("/tmp/ok", "x");
      const { blocks, bsize } = statfsSync("/tmp");
      return blocks * bsize;
    }),
    shadow: tried(() => readFileSync("/etc/shadow")).code ?? "readable",
    home: tried(() => readdirSync("/root")).code ?? tried(() => readdirSync("/root")).value,
    work: tried(() => accessSync("/work", constants.R_OK)).code ?? "there",
    capabilities: /^CapEff:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1],
    parent: tried(() => readFileSync(`/proc/${process.ppid}/environ`, "utf8")),
  };
}
