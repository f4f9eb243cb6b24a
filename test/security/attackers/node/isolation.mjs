/**
 * What an attacker in Node can do by itself. For raw system calls it brings a program along in its
 * package (`native`), as a hostile author would.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import * as fs from "node:fs";
import { connect, createServer, isIPv6 } from "node:net";
import { getPriority, setPriority } from "node:os";

const patienceMs = 3_000;
const expand = (path) => path.replaceAll(/\$(\w+)/g, (_, name) => process.env[name] ?? "");

export function read({ path, whole = false }) {
  const file = fs.openSync(expand(path), "r");
  try {
    const bytes = Buffer.alloc(whole ? 1 << 20 : 4096);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = fs.readSync(file, bytes, length, bytes.length - length);
    return bytes.subarray(0, length).toString("utf8");
  } finally {
    fs.closeSync(file);
  }
}

export const list = ({ path }) => fs.readdirSync(expand(path));

/** Opens only: what would be written might end the machine a control runs on. */
export function open_write({ path }) {
  fs.closeSync(fs.openSync(expand(path), fs.constants.O_WRONLY | fs.constants.O_NONBLOCK));
  return "opened";
}

export function create({ path }) {
  fs.closeSync(fs.openSync(expand(path), "wx", 0o600));
  fs.unlinkSync(expand(path));
  return "created";
}

export function directory({ path }) {
  fs.mkdirSync(expand(path), 0o700);
  fs.rmdirSync(expand(path));
  return "made";
}

export function mode({ path }) {
  fs.chmodSync(expand(path), fs.statSync(expand(path)).mode & 0o7777);
  return "changed";
}

export function rename({ path, to }) {
  fs.renameSync(expand(path), expand(to));
  fs.renameSync(expand(to), expand(path));
  return "renamed";
}

export function link({ path, to }) {
  fs.linkSync(expand(path), expand(to));
  fs.unlinkSync(expand(to));
  return "linked";
}

/** Reads through a symbolic link of its own. */
export function through({ path }) {
  const name = `/tmp/through-${process.pid}-${process.hrtime.bigint()}`;
  fs.symlinkSync(expand(path), name);
  try {
    fs.closeSync(fs.openSync(name, "r"));
  } finally {
    fs.unlinkSync(name);
  }
  return "opened";
}

export const target = ({ path }) => fs.readlinkSync(expand(path));

export const tcp = ({ host, port }) => connected({ host, port });
export const unix = ({ path }) =>
  connected({ path: path.startsWith("@") ? `\0${path.slice(1)}` : expand(path) });

function connected(where) {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...where, timeout: patienceMs, autoSelectFamily: false });
    socket.once("connect", () => resolve("connected")).once("connect", () => socket.destroy());
    socket.once("error", reject);
    socket.once("timeout", () => {
      socket.destroy();
      reject(Object.assign(new Error("late"), { code: "ETIMEDOUT" }));
    });
  });
}

/** Connecting a datagram socket sends nothing and succeeds where there is a route. */
export function route({ host, port }) {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
    socket.connect(port, host, (error) => {
      socket.close();
      if (error) reject(error);
      else resolve("a route");
    });
    socket.once("error", reject);
  });
}

export function signal({ pid, number }) {
  process.kill(pid, number);
  return "sent";
}

export function priority({ pid }) {
  try {
    setPriority(pid, getPriority(pid));
  } catch (error) {
    // Node reports it as one of its own errors (ERR_SYSTEM_ERROR).
    throw Object.assign(new Error("refused"), { code: error.info?.code ?? error.code });
  }
  return "changed";
}

export function run({ command: [program, ...rest] }) {
  const { error, status, stdout, stderr } = spawnSync(program, rest, { encoding: "utf8" });
  if (error) throw error;
  return { status, output: stdout + stderr };
}

/** Ends the process that runs the function; the next call needs a new environment. */
export const leave = () => process.exit(3);

/** Ill words to every descriptor it has but standard input and output. */
export function babble({ text }) {
  const told = [];
  for (const name of fs.readdirSync("/proc/self/fd")) {
    if (Number(name) < 3) continue;
    try {
      fs.writeSync(Number(name), text);
      told.push(Number(name));
    } catch {
      // Not one to write to.
    }
  }
  return told;
}

/** The digest of a file, in hexadecimal. */
export const digest = ({ path }) =>
  createHash("sha256")
    .update(fs.readFileSync(expand(path)))
    .digest("hex");

export const environment = () => ({ ...process.env });

export function overwrite({ path, text }) {
  const file = fs.openSync(expand(path), "r+");
  fs.ftruncateSync(file, 0);
  fs.writeSync(file, text);
  fs.closeSync(file);
  return "written";
}

/** Sends these bytes to a port of the loopback and tells the beginning of what comes back. */
export function exchange({ port, text }) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: patienceMs });
    socket.write(text);
    let answered = "";
    socket.setEncoding("latin1").on("data", (part) => (answered += part));
    socket.once("error", reject);
    socket.once("close", () => resolve(answered.slice(0, 4096)));
    socket.once("timeout", () => socket.destroy());
  });
}

/** The program brought along carries out `attacks` and answers for each. */
export function native({ attacks }) {
  const program = `${process.env.LAMBDA_TASK_ROOT}/attacker`;
  const input = JSON.stringify({ attacks });
  const { error, stdout } = spawnSync(program, ["operate"], {
    input,
    stdio: ["pipe", "pipe", "inherit"],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  return JSON.parse(stdout.toString("utf8"));
}

const kept = [];

/** Opens one server of each kind, and stays for others to find. */
export async function listen({ port, path, abstract }) {
  for (const where of [{ port, host: "127.0.0.1" }, { path }, { path: `\0${abstract.slice(1)}` }]) {
    const server = createServer((socket) => socket.destroy());
    await new Promise((resolve, reject) => {
      server.once("error", reject).listen(where, resolve);
    });
    kept.push(server);
  }
  return "listening";
}
