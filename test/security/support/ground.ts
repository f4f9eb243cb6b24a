import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { systemRandom } from "#base/random.ts";
import { randomHex } from "#base/ids.ts";

/** What attackers reach for on the host: ours, so that even a success does no harm. */
export interface Ground extends AsyncDisposable {
  /** Random words planted where no sandbox may look; all begin with `canary-`. */
  readonly canary: string;
  /** A file of the host that holds the canary. */
  readonly secretFile: string;
  /** A process of the host with the canary in its environment. */
  readonly victimPid: number;
  /** A TCP server of the host, on every address. */
  readonly port: number;
  /** Whether that includes those of IPv6. */
  readonly hasIpv6: boolean;
  /** The host's own addresses on other machines' side, IPv4. */
  readonly addresses: readonly string[];
  /** A Unix socket of the host, and an abstract one (written with a leading `@`). */
  readonly unixSocket: string;
  readonly abstractSocket: string;
  /** Key of a shared memory segment of the host, as `/proc/sysvipc/shm` shows it; if there is `ipcmk`. */
  readonly segment: string | undefined;
}

export async function prepareGround(): Promise<Ground> {
  const canary = `canary-${randomHex(systemRandom, 8)}`;
  const folder = mkdtempSync(join(tmpdir(), "skerry-ground-"));
  const secretFile = join(folder, "secret");
  writeFileSync(secretFile, `${canary}\n`, { mode: 0o644 });
  const victim = spawn("sleep", ["3600"], { env: { SECRET: canary }, stdio: "ignore" });
  await once(victim, "spawn");
  const servers = [createServer(), createServer(), createServer()] as const;
  for (const server of servers) server.on("connection", (socket) => socket.destroy());
  const [tcp, unix, abstract] = servers;
  const unixSocket = join(folder, "socket");
  const abstractSocket = `@skerry-${canary}`;
  const hasIpv6 = existsSync("/proc/net/if_inet6");
  await listening(tcp, { port: 0, host: hasIpv6 ? "::" : "0.0.0.0" });
  await listening(unix, { path: unixSocket });
  await listening(abstract, { path: `\0${abstractSocket.slice(1)}` });
  const segment = makeSegment();
  return {
    canary,
    secretFile,
    victimPid: victim.pid ?? 0,
    port: (tcp.address() as AddressInfo).port, // a TCP server
    hasIpv6,
    addresses: Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter((each) => each.family === "IPv4" && !each.internal)
      .map((each) => each.address),
    unixSocket,
    abstractSocket,
    segment,
    async [Symbol.asyncDispose]() {
      await end(victim);
      for (const server of servers) server.close();
      if (segment !== undefined) spawnSync("ipcrm", ["-M", segment]);
      rmSync(folder, { recursive: true });
    },
  };
}

async function listening(server: Server, where: Parameters<Server["listen"]>[0]): Promise<void> {
  server.listen(where);
  await once(server, "listening");
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** A key unlike any other's; util-linux makes the segment, for Node cannot. */
function makeSegment(): string | undefined {
  if (!existsSync("/usr/bin/ipcmk")) return undefined;
  const made = spawnSync("ipcmk", ["-M", "4096"], { encoding: "utf8" });
  const id = /id: (\d+)/.exec(made.stdout)?.[1];
  if (id === undefined) return undefined;
  const listed = spawnSync("ipcs", ["-m"], { encoding: "utf8" }).stdout;
  return new RegExp(`^(0x[0-9a-f]+)\\s+${id}\\s`, "m").exec(listed)?.[1];
}
