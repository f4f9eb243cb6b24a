/** What an attacker in Node can use up. Everything is bounded by what it is given. */
import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, writeFileSync, writeSync } from "node:fs";
import { connect, createServer } from "node:net";
import { Worker } from "node:worker_threads";

const kept = [];
const mib = 1024 * 1024;

/** Repeats a step until it fails; tells how often it went well and why it ended. */
async function until(max, step) {
  for (let count = 0; count < max; count++) {
    try {
      kept.push(await step(count));
    } catch (error) {
      return { count, code: String(error.code ?? error.message) };
    }
  }
  return { count: max, code: "" };
}

/** By a shell, which is quicker at it; it ends when it cannot fork. */
export const processes = async ({ max }) => {
  const script = `n=0; while [ $n -lt ${max} ]; do sleep 300 & n=$((n+1)); echo $n; done`;
  const shell = spawn("/bin/sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  shell.stdout.on("data", (piece) => (text += piece));
  // Its children hold the pipe open, so it is its own end that counts.
  await new Promise((resolve) => shell.on("exit", resolve));
  await new Promise((resolve) => setImmediate(resolve));
  const count = Number(text.trimEnd().split("\n").at(-1));
  return { count, code: count < max ? "EAGAIN" : "" };
};

export const bomb = () => {
  spawn("/bin/sh", ["-c", "f() { sleep 300 & f | f & }; f"], { stdio: "ignore" });
  for (;;);
};

export const heap = ({ size }) => {
  const held = [];
  for (let done = 0; done < size * mib; done += 800_000)
    held.push(Array.from({ length: 100_000 }, (_, index) => index + 0.5));
  return held.length;
};

export const buffers = ({ size }) => {
  for (let done = 0; done < size; done += 8) kept.push(Buffer.alloc(8 * mib, 1));
  return kept.length;
};

export const shared = ({ size }) => {
  for (let done = 0; done < size; done += 8) {
    const memory = new Uint8Array(new SharedArrayBuffer(8 * mib));
    memory.fill(1);
    kept.push(memory);
  }
  return kept.length;
};

/** Writes to a file until it is `size` large. */
export const file = ({ path, size }) => {
  const open = openSync(path, "w");
  const block = Buffer.alloc(mib, 1);
  for (let done = 0; done < size; done++) writeSync(open, block);
  const { size: bytes } = fstatSync(open);
  closeSync(open);
  return bytes / mib;
};

export const touch = ({ path }) => writeFileSync(path, "x");

/** Connections to itself whose other ends never read. */
export const sockets = async ({ size, max }) => {
  const server = createServer({ pauseOnConnect: true }, (socket) => kept.push(socket));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const block = Buffer.alloc(mib, 1);
  let sent = 0;
  const made = await until(max, async () => {
    const socket = connect(server.address().port, "127.0.0.1");
    await new Promise((resolve, reject) => socket.on("connect", resolve).on("error", reject));
    for (let count = 0; count < 8 && sent < size; count++, sent++) socket.write(Buffer.from(block));
    return socket;
  });
  return { ...made, sent };
};

export const descriptors = ({ max }) => until(max, () => openSync("/dev/null", "r"));

/** Busy for so long on all threads; deaf to SIGTERM. */
export const spin = ({ ms, threads: count = 1 }) => {
  process.on("SIGTERM", () => undefined);
  for (let other = 1; other < count; other++) {
    const code = `const end = performance.now() + ${ms}; while (performance.now() < end);`;
    kept.push(new Worker(code, { eval: true }));
  }
  const before = process.cpuUsage();
  const startedMs = performance.now();
  while (performance.now() - startedMs < ms);
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, wallMs: performance.now() - startedMs };
};

/** Leaves processes behind that have left its session, hear no signal and hold its output. */
export const daemons = ({ count, marker }) => {
  const script = `trap '' TERM HUP INT; : ${marker}; while :; do sleep 300; done`;
  for (let index = 0; index < count; index++) {
    const stdio = ["ignore", 1, 2];
    spawn("/bin/sh", ["-c", `(setsid /bin/sh -c "${script}" &)`], {
      detached: true,
      stdio,
    }).unref();
  }
  return count;
};

/** Goes on working after the answer. */
export const linger = () => void kept.push(new Worker("for (;;);", { eval: true }));
