import { chmodSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type IncomingCall, Link, type LinkDeps } from "../link/link.ts";

/** A worker's links to all others, one each. */
export interface Mesh extends AsyncDisposable {
  /** Opens one to a worker that is there already; resolves when it is usable. */
  join(id: number): Promise<void>;
  /** Undefined when there is none, or none any more. */
  find(id: number): Link | undefined;
  readonly links: readonly Link[];
}

export interface MeshDeps {
  /** Of this worker; never used twice. */
  readonly id: number;
  /** Where every worker has its socket, entered by this user alone. */
  readonly folder: string;
  readonly onCall: (call: IncomingCall) => void;
  readonly onNote: (name: string, meta: unknown) => void;
}

/** Who comes later connects to those who are there; the first thing said is who it is. */
export async function openMesh(deps: MeshDeps): Promise<Mesh> {
  const links = new Map<number, Link>();
  const keep = (id: number, link: Link): void => {
    links.set(id, link);
    void link.closed.then(() => links.delete(id));
  };
  const server = createServer((socket) => {
    const link: Link = makeLink(deps, socket, (id) => keep(id, link));
  });
  await listen(server, socketPath(deps.folder, deps.id));
  return {
    find: (id) => links.get(id),
    get links() {
      return [...links.values()];
    },
    async join(id) {
      const link = makeLink(deps, connect(socketPath(deps.folder, id)), () => undefined);
      await link.call("hello", { meta: deps.id });
      keep(id, link);
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const link of links.values()) link[Symbol.dispose]();
    },
  };
}

function makeLink(deps: MeshDeps, socket: Socket, onHello: (id: number) => void): Link {
  const onCall: LinkDeps["onCall"] = (call) => {
    if (call.name !== "hello") return deps.onCall(call);
    onHello(Number(call.meta));
    call.reply(null);
  };
  return new Link({ socket, onCall, onNote: deps.onNote });
}

function socketPath(folder: string, id: number): string {
  return join(folder, String(id));
}

function listen(server: ReturnType<typeof createServer>, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve();
    });
  });
}
