/** Flags, environment and file as one validated, frozen object; the only reader of `process.env`. */
export interface Config {
  readonly mode: "dev" | "serve";
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Absolute. */
  readonly dataDir: string;
  readonly storage: "lmdb" | "memory";
  readonly sandbox: "bubblewrap" | "process";
  readonly defaultAccountId: string;
  readonly defaultRegion: string;
  /** Host names, besides the built-in ones, under which requests are accepted. */
  readonly allowedHosts: readonly string[];
  /** Origins, besides our own, from which a web page may call. */
  readonly allowedOrigins: readonly string[];
  readonly otlpEndpoint: string | undefined;
  readonly logLevel: "error" | "warn" | "info" | "debug";
  /** Concurrent invocations per account and region; the service's default is 1,000. */
  readonly accountConcurrency: number;
  /** An execution environment idle for this long is ended. */
  readonly idleTimeoutMs: number;
  /** Generic sandboxes kept ready, per runtime kind that has been used or is listed in `prebootKinds`. */
  readonly genericPerKind: number;
  readonly prebootKinds: readonly string[];
  /** Memory all sandboxes together may reserve. */
  readonly functionMemoryMiB: number;
  readonly drainTimeoutMs: number;
}
