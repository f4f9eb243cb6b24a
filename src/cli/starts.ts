import { table } from "./help.ts";

/** One start as the platform's own route reports it; times in milliseconds. */
export interface Start {
  readonly functionArn: string;
  readonly version: string;
  readonly startedAtMs: number;
  readonly totalMs: number;
  readonly source: string;
  readonly purpose: string;
  readonly reason: string;
  readonly phases: Readonly<Record<string, number>>;
  readonly outcome: string;
}

/** In the order in which they begin; the first five side by side, the last ones inside `init`. */
const order = ["sandbox", "create", "boot", "package", "credentials", "configure", "init"];
/** Had been done before the start when the sandbox came from the pool. */
const doneAhead = new Set(["create", "boot"]);

/** A table of starts, newest first. */
export function renderStarts(name: string, starts: readonly Start[]): string {
  if (starts.length === 0)
    return `no start of ${name} is remembered: it was not called, or too many others started since\n`;
  const rows = starts.map((start) => [
    new Date(start.startedAtMs).toISOString(),
    start.version,
    start.reason,
    sourceOf(start),
    `${start.totalMs.toFixed(1)} ms`,
    start.outcome,
    phasesOf(start),
  ]);
  const heads = ["STARTED", "VERSION", "REASON", "SOURCE", "TOTAL", "OUTCOME", "PHASES (ms)"];
  return `${table([heads, ...rows]).join("\n")}\n`;
}

function sourceOf({ purpose, source }: Start): string {
  if (purpose === "provisioned") return "provisioned";
  return purpose === "prewarm" ? "prewarmed" : source;
}

function phasesOf({ phases, source }: Start): string {
  const place = (phase: string): number => {
    const at = order.indexOf(phase);
    return at < 0 ? order.length : at;
  };
  return Object.entries(phases)
    .filter(([phase]) => source !== "generic" || !doneAhead.has(phase))
    .toSorted(([a], [b]) => place(a) - place(b))
    .map(([phase, ms]) => `${phase} ${ms.toFixed(1)}`)
    .join(", ");
}
