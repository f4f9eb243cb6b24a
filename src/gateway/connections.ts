import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "#base/clock.ts";

export interface ConnectionCaps {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

/** One that is counted against the caps. */
export interface Connection {
  readonly socket: Duplex;
  readonly address: string;
  /** The request being answered; undefined before the first and between two. */
  message: IncomingMessage | undefined;
  /** Monotonic; since when there has been nothing to answer. */
  waitingSinceMs: number;
}

/**
 * Who holds which connection. At a cap the connection that has kept us waiting longest (nothing sent
 * yet, half a request, or idle between two) is closed in favour of the newcomer; one whose request
 * has arrived whole never is. So thousands of slow senders push out each other, not those who call.
 */
export class Connections {
  readonly #caps: ConnectionCaps;
  readonly #clock: Clock;
  readonly #byAddress = new Map<string, Set<Connection>>();
  readonly #bySocket = new Map<Duplex, Connection>();

  constructor(caps: ConnectionCaps, clock: Clock) {
    this.#caps = caps;
    this.#clock = clock;
  }

  get count(): number {
    return this.#bySocket.size;
  }

  /** False when everybody else at the cap is being served: then the newcomer has to go. */
  admit(socket: Duplex, address: string): boolean {
    const own = this.#byAddress.get(address);
    if ((own?.size ?? 0) >= this.#caps.connectionsPerAddressMax) {
      if (!this.#closeLongestWaiting(own ?? [])) return false;
    } else if (this.count >= this.#caps.connectionsMax) {
      if (!this.#closeLongestWaiting(this.#largest())) return false;
    }
    this.#keep({
      socket,
      address,
      message: undefined,
      waitingSinceMs: this.#clock.monotonicMs(),
    });
    return true;
  }

  /** The head of a request has arrived; undefined when its connection is none of ours. */
  begin(message: IncomingMessage): Connection | undefined {
    const connection = this.#bySocket.get(message.socket);
    if (connection) connection.message = message;
    return connection;
  }

  /** The answer has gone, or never will. */
  end(connection: Connection | undefined, message: IncomingMessage): void {
    if (connection?.message !== message) return; // the next one, sent ahead, has begun
    connection.message = undefined;
    connection.waitingSinceMs = this.#clock.monotonicMs();
  }

  #keep(connection: Connection): void {
    const { socket, address } = connection;
    const own = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, own.add(connection));
    this.#bySocket.set(socket, connection);
    socket.once("close", () => this.#forget(connection));
  }

  #forget(connection: Connection): void {
    const { socket, address } = connection;
    if (!this.#bySocket.delete(socket)) return;
    const own = this.#byAddress.get(address);
    own?.delete(connection);
    if (own?.size === 0) this.#byAddress.delete(address);
  }

  /** Whoever holds most gives one up. */
  #largest(): Iterable<Connection> {
    let largest: Set<Connection> | undefined;
    for (const own of this.#byAddress.values())
      if (largest === undefined || own.size > largest.size) largest = own;
    return largest ?? [];
  }

  #closeLongestWaiting(among: Iterable<Connection>): boolean {
    let longest: Connection | undefined;
    for (const connection of among) {
      if (connection.message?.complete === true) continue;
      if (longest === undefined || connection.waitingSinceMs < longest.waitingSinceMs)
        longest = connection;
    }
    if (longest === undefined) return false;
    this.#forget(longest); // now: its close event comes a turn later
    longest.socket.destroy();
    return true;
  }
}
