import type { Clock } from "#base/clock.ts";
import type { Channel } from "../channel/channel.ts";
import { fields, findField, kinds, readFields } from "../channel/frames.ts";
import type { Field, Frame } from "../channel/frames.ts";
import { extensionOutput, telemetryDeliveriesMax } from "../limits.ts";

/** Where telemetry goes inside the sandbox. */
export type TelemetryDestination =
  | {
      readonly protocol: "HTTP";
      readonly port: number;
      readonly path: string;
      readonly method: "POST" | "PUT";
    }
  | { readonly protocol: "TCP"; readonly port: number };

/** How a process inside ended. */
export interface ProcessEnd {
  /** File name of the extension; empty for the runtime. */
  readonly name: string;
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** It could not be started. */
  readonly launchError: string | undefined;
}

export interface SupervisorListener {
  ended(end: ProcessEnd): void;
  output(name: string, stream: string, bytes: Uint8Array): void;
}

/**
 * The platform's side of guest/extensions/supervise.mjs: our program inside a sandbox whose function
 * has extensions. What it says may be forged by the function, and then harms only itself.
 */
export class Supervisor {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #listener: SupervisorListener;
  readonly #deliveries = new Map<number, (isTaken: boolean) => void>();
  #number = 0;

  constructor(channel: Channel, clock: Clock, listener: SupervisorListener) {
    this.#channel = channel;
    this.#clock = clock;
    this.#listener = listener;
    void this.#listen();
  }

  /** Starts an extension by its name, or the runtime by none. */
  launch(name = ""): void {
    this.#channel.send(kinds.launch, 0, [[fields.name, name]]);
  }

  /** SIGTERM to the process itself. */
  terminate(name: string): void {
    this.#channel.send(kinds.terminate, 0, [[fields.name, name]]);
  }

  /** SIGKILL to all that the process started. */
  kill(name: string): void {
    this.#channel.send(kinds.kill, 0, [[fields.name, name]]);
  }

  /** Whether the receiver inside took it; never rejects. */
  deliver(destination: TelemetryDestination, body: Uint8Array): Promise<boolean> {
    if (this.#deliveries.size >= telemetryDeliveriesMax) return Promise.resolve(false);
    this.#number = (this.#number + 1) >>> 0;
    const number = this.#number;
    const metadata: Field[] = [
      [fields.protocol, destination.protocol],
      [fields.port, String(destination.port)],
    ];
    if (destination.protocol === "HTTP") {
      metadata.push([fields.path, destination.path], [fields.method, destination.method]);
    }
    return new Promise((resolve) => {
      this.#deliveries.set(number, resolve);
      this.#channel.send(kinds.deliver, number, metadata, body);
    });
  }

  async #listen(): Promise<void> {
    let bytes = 0;
    try {
      for (;;) {
        const frame = await this.#channel.next();
        bytes += frame.body.length;
        this.#take(frame);
        if (bytes < extensionOutput.bytesPerWindow) continue;
        // Whoever prints faster waits for its own output; the platform's loop is not its victim.
        await new Promise<void>((resolve) => this.#clock.timer(extensionOutput.windowMs, resolve));
        bytes = 0;
      }
    } catch {
      // The sandbox is gone or broke the protocol; its end is told elsewhere.
      this.#channel.close();
      for (const resolve of this.#deliveries.values()) resolve(false);
      this.#deliveries.clear();
    }
  }

  #take(frame: Frame): void {
    const found = readFields(frame.metadata);
    const name = findField(found, fields.name) ?? "";
    if (frame.kind === kinds.output) {
      const stream = findField(found, fields.stream) === "stderr" ? "stderr" : "stdout";
      this.#listener.output(name, stream, frame.body);
    } else if (frame.kind === kinds.exited) {
      const code = Number(findField(found, fields.code) ?? Number.NaN);
      this.#listener.ended({
        name,
        code: Number.isInteger(code) ? code : undefined,
        signal: findField(found, fields.signal),
        launchError: findField(found, fields.errorType),
      });
    } else if (frame.kind === kinds.delivered) {
      const resolve = this.#deliveries.get(frame.number);
      this.#deliveries.delete(frame.number);
      resolve?.(findField(found, fields.taken) === "1");
    } else throw new Error(`frame ${frame.kind} from a supervisor`);
  }
}
