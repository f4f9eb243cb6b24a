import type { WireRequest } from "#protocol/wire/wire.ts";
import type { Answer } from "./answer.ts";
import { jsonAnswer } from "./answer.ts";

/** A page of the platform's own below `/_skerry/`; the table is made in `main`. */
export interface AdminRoute {
  readonly method: string;
  /** `/_skerry/traces/`: itself and everything that begins with it when it ends in a slash, else exactly it. */
  readonly path: string;
  /**
   * Proves by itself who may (a signed link), and so answers callers on other machines and in
   * sandboxes too; without it a page is for this machine only.
   */
  readonly isOpen?: boolean;
  handle(request: WireRequest, signal: AbortSignal): Promise<Answer>;
}

/** What `/_skerry/health` and `/_localstack/health` tell. */
export interface Health {
  readonly version: string;
  readonly status: "starting" | "running" | "stopping";
  /** Folder names of the services there are. */
  readonly services: readonly string[];
  /** Which of several worker processes answers. */
  readonly worker?: number;
}

export function healthAnswer(health: Health): Answer {
  const services = Object.fromEntries(health.services.map((name) => [name, "available"]));
  return jsonAnswer(200, { ...health, edition: "skerry", services });
}

/** Undefined when no route has the path; 405 when one has it under another method. */
export function findAdminRoute(
  routes: readonly AdminRoute[],
  request: WireRequest,
): AdminRoute | Answer | undefined {
  const { method, path } = request;
  const matching = routes.filter((route) =>
    route.path.endsWith("/") ? path.startsWith(route.path) : path === route.path,
  );
  if (matching.length === 0) return undefined;
  const longest = matching.toSorted((a, b) => b.path.length - a.path.length);
  return (
    longest.find((route) => route.method === method) ??
    jsonAnswer(
      405,
      { message: `${path} does not take ${method}` },
      { allow: matching.map((route) => route.method).join(", ") },
    )
  );
}

/** The platform's own pages are for this machine, whatever address the server listens on. */
export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\./.test(address) || address === "::1";
}
