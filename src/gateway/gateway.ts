import type { Server } from "node:net";
import type { GuestIdentity } from "#functions/pool/pool.ts";
import type { FunctionReference } from "#functions/registry/registry.ts";

/** Listeners, Host and Origin checks, and the choice: AWS call, function URL, or the platform's own pages. */
export interface Gateway extends AsyncDisposable {
  /** Resolves when it accepts connections. */
  listen(): Promise<{ readonly host: string; readonly port: number; readonly url: string }>;
  /** Serves what a sandbox connects to at its `AWS_ENDPOINT_URL`. */
  serve(server: Server, identity: () => GuestIdentity | undefined): Disposable;
  /** Stops accepting, lets running requests end, closes the rest after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
}

/** Function URLs by their id; `services/lambda` satisfies it. */
export interface FunctionUrlTable {
  find(urlId: string, region: string): Promise<FunctionUrl | undefined>;
}

export interface FunctionUrl {
  readonly target: FunctionReference;
  readonly authType: "NONE" | "AWS_IAM";
  readonly invokeMode: "BUFFERED" | "RESPONSE_STREAM";
  readonly cors: FunctionUrlCors | undefined;
  /** Resource policy allows anyone (`lambda:InvokeFunctionUrl`, principal `*`). */
  readonly publicAllowed: boolean;
}

export interface FunctionUrlCors {
  readonly allowCredentials: boolean;
  readonly allowHeaders: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowOrigins: readonly string[];
  readonly exposeHeaders: readonly string[];
  /** Seconds, 0 … 86,400. */
  readonly maxAgeSeconds: number | undefined;
}
