import { type Clock, systemClock } from "#base/clock.ts";
import { type ClockMove, createMovableClock, type MovableClock } from "#base/movable-clock.ts";
import { type AdminRoute, jsonAnswer } from "#gateway/gateway.ts";
import type { WireRequest } from "#protocol/wire/wire.ts";
import type { Membership } from "#workers/workers.ts";

/** Bytes of a request that moves the clock. */
const moveBytesMax = 4_096;

/** Sweeps and schedules of a hundred years are not what anybody wants to wait for. */
const advanceMsMax = 100 * 366 * 24 * 3_600_000;

/** The time that services live by: messages, schedules, expiry. The engine and its timeouts keep to the system's. */
export interface ServiceTime {
  readonly clock: Clock;
  /** What that clock showed when the system's showed `realMs`: for dates that clients write. */
  readonly shownAt: (realMs: number) => number;
  /** Pages that read and move it; none where it cannot be moved. */
  readonly routes: readonly AdminRoute[];
  /** Nothing that is about to end waits for a time that stands still. */
  letGo(): Promise<void>;
}

/** In development the clock can be moved, in all workers at once; in `serve` mode it is the system's. */
export function createServiceTime(isMovable: boolean, membership?: Membership): ServiceTime {
  if (!isMovable) {
    return { clock: systemClock, shownAt: (realMs) => realMs, routes: [], letGo: async () => {} };
  }
  const clock = createMovableClock(systemClock);
  membership?.answer("move clock", async (asked) => clock.move(asked as ClockMove)); // by the call below
  const moveAll = async (move: ClockMove): Promise<void> => {
    // To a moment, not by a distance: the others must not end up elsewhere.
    const toMs = move.kind === "advance" ? clock.nowMs() + move.ms : undefined;
    const others = toMs === undefined ? move : ({ kind: "set", toMs } as const);
    await Promise.all([clock.move(move), membership?.askOthers("move clock", others)]);
  };
  return {
    clock,
    shownAt: (realMs) => clock.shownAt(realMs),
    letGo: () => clock.move({ kind: "unfreeze" }),
    routes: [
      { method: "GET", path: "/_skerry/clock", handle: async () => jsonAnswer(200, shown(clock)) },
      {
        method: "POST",
        path: "/_skerry/clock",
        async handle(request) {
          const move = readMove(await readText(request));
          if (typeof move === "string") return jsonAnswer(400, { message: move });
          await moveAll(move);
          return jsonAnswer(200, shown(clock));
        },
      },
    ],
  };
}

function shown(clock: MovableClock): object {
  return {
    now: new Date(clock.nowMs()).toISOString(),
    frozen: clock.isFrozen,
    offsetSeconds: Math.round(clock.offsetMs) / 1_000,
  };
}

async function readText(request: WireRequest): Promise<string> {
  const pieces: Uint8Array[] = [];
  let byteCount = 0;
  for await (const piece of request.body) {
    byteCount += piece.byteLength;
    if (byteCount > moveBytesMax) return "";
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

const usage =
  'send one of {"advance":"40d"}, {"set":"2027-01-01T00:00:00Z"}, {"freeze":true}, {"freeze":false}';

/** What to do, or what is wrong with the request. */
export function readMove(text: string): ClockMove | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `the body is not JSON: ${usage}`;
  }
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const [entry] = entries;
  if (!entry || entries.length > 1) return usage;
  const [name, told] = entry as [string, unknown]; // of what JSON.parse gave
  if (name === "freeze" && typeof told === "boolean") {
    return { kind: told ? "freeze" : "unfreeze" };
  }
  if (name === "set") {
    const toMs = typeof told === "string" ? Date.parse(told) : NaN;
    return Number.isNaN(toMs)
      ? `set takes a date such as 2027-01-01T00:00:00Z`
      : { kind: "set", toMs };
  }
  if (name !== "advance") return `there is no ${name}: ${usage}`;
  const ms = typeof told === "string" ? readDuration(told) : NaN;
  if (Number.isNaN(ms)) return 'advance takes durations such as "90s", "15m", "1h30m" and "40d"';
  if (ms > advanceMsMax) return "advance takes at most 100 years; set goes anywhere";
  return { kind: "advance", ms };
}

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds; NaN for what is no duration. */
function readDuration(text: string): number {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/.test(text)) return NaN;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/([\d.]+)(ms|[smhdw])/g)) {
    ms += Number(count) * units[unit as keyof typeof units]; // the expression allows no other
  }
  return ms;
}
