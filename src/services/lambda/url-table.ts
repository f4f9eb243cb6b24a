import type { Soon } from "#base/soon.ts";
import type { FunctionReference } from "#functions/registry/registry.ts";

/** What `gateway` asks for (its `FunctionUrlTable`); written down here because services may not import it. */
export interface FunctionUrlTable {
  /** Undefined when no function has that URL. No storage read when warm. */
  find(urlId: string, region: string): Soon<FunctionUrl | undefined>;
}

export interface FunctionUrl {
  readonly target: FunctionReference;
  readonly authType: "NONE" | "AWS_IAM";
  readonly invokeMode: "BUFFERED" | "RESPONSE_STREAM";
  readonly cors:
    | {
        readonly allowCredentials: boolean;
        readonly allowHeaders: readonly string[];
        readonly allowMethods: readonly string[];
        readonly allowOrigins: readonly string[];
        readonly exposeHeaders: readonly string[];
        /** Seconds, 0 … 86,400. */
        readonly maxAgeSeconds: number | undefined;
      }
    | undefined;
  /** A resource policy lets anyone call it. */
  readonly publicAllowed: boolean;
}
