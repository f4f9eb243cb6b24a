import { zonesMax } from "./limits.ts";

/** A place's clock. Local times are milliseconds as if they were UTC. */
export interface Zone {
  /** What the clock shows at an instant. */
  localMs(instantMs: number): number;
  /** The first instant at which the clock shows it; undefined when it is skipped as summer time begins. */
  instantMs(localMs: number): number | undefined;
}

const utc: Zone = { localMs: (instantMs) => instantMs, instantMs: (localMs) => localMs };
const dayMs = 86_400_000;

/** Zones by IANA name, the last used; undefined for what is no zone. */
const known = new Map<string, Zone>();

export function findZone(name: string): Zone | undefined {
  if (name === "UTC") return utc;
  const before = known.get(name);
  if (before) return before;
  const zone = makeZone(name);
  if (!zone) return undefined;
  if (known.size >= zonesMax)
    for (const oldest of known.keys()) {
      known.delete(oldest);
      break;
    }
  known.set(name, zone);
  return zone;
}

function makeZone(name: string): Zone | undefined {
  // Offsets are zones to the engine and none to the service.
  if (!/^[A-Za-z]/.test(name)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    return undefined;
  }
  const offsetMs = (instantMs: number): number => {
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(instantMs)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    const wholeMs = Math.floor(instantMs / 1_000) * 1_000;
    return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs;
  };
  return {
    localMs: (instantMs) => instantMs + offsetMs(instantMs),
    instantMs(localMs) {
      // A clock changes at most once within two days: one of the offsets around it is the one.
      const earlier = localMs - offsetMs(localMs - dayMs);
      const later = localMs - offsetMs(localMs + dayMs);
      const isShown = (instantMs: number): boolean => instantMs + offsetMs(instantMs) === localMs;
      const [first, second] = earlier <= later ? [earlier, later] : [later, earlier];
      if (isShown(first)) return first;
      return isShown(second) ? second : undefined;
    },
  };
}
