import type { CommandInvocation } from "./command.ts";
import { CliError } from "./command.ts";

/** Settings for an SDK client of the running server, with whatever credentials the user has exported. */
export function clientSettings(
  invocation: CommandInvocation,
  environment: Readonly<Record<string, string | undefined>>,
): {
  readonly endpoint: string;
  readonly region: string;
  readonly maxAttempts: number;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
} {
  const token = environment["AWS_SESSION_TOKEN"];
  return {
    endpoint: invocation.endpoint,
    region: environment["AWS_REGION"] ?? invocation.config.defaultRegion,
    maxAttempts: 1,
    credentials: {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? invocation.config.defaultAccountId,
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "unused",
      ...(token !== undefined && { sessionToken: token }),
    },
  };
}

/** A call on the platform's own routes below `/_skerry/`; the answer is JSON. */
export async function platformCall(
  invocation: CommandInvocation,
  method: string,
  path: string,
): Promise<unknown> {
  const response = await reach(invocation.endpoint, () =>
    fetch(new URL(path, invocation.endpoint), { method }),
  );
  const text = await response.text();
  if (!response.ok) throw new CliError(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Runs `call`; a refused connection becomes a sentence that says what to do. */
export async function reach<T>(endpoint: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (["ECONNREFUSED", "ENOTFOUND", "ECONNRESET", "EAI_AGAIN"].includes(code)) {
      throw new CliError(`no Skerry answers at ${endpoint} (${code}). Start one with: skerry up`);
    }
    if (error instanceof Error && "$fault" in error) {
      throw new CliError(`${error.name}: ${error.message}`);
    }
    throw error;
  }
}
