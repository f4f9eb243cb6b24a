/**
 * The house rules as data. Each one protects a property described in ARCHITECTURE.md: a newcomer can
 * guess where a line lives, imports only point down, a feature is removed with its folder.
 */

/** Module → modules it may import. A module is the longest matching path below `src/`. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  config: ["base"],
  telemetry: ["base"],
  storage: ["base", "telemetry"],
  events: ["base", "telemetry", "storage"],
  protocol: ["base", "telemetry"],
  functions: ["base", "telemetry", "storage", "events"],
  "services/lambda": ["base", "telemetry", "storage", "protocol", "events", "functions"],
  services: ["base", "telemetry", "storage", "protocol", "events"],
  workers: ["base", "telemetry", "storage", "functions"],
  gateway: ["base", "telemetry", "protocol", "functions"],
  cli: ["base", "config"],
  main: ["*"],
};

/** Folders that are shelves: every file in them is its own door. */
export const shelves = ["base"];

/** Single files that others may open besides the front door, and why. */
export const sideDoors: Readonly<Record<string, string>> = {
  "config/options.ts": "the table of settings, which help, completions and docs are made from",
  "storage/keys.ts": "how every service builds its keys",
  "storage/page.ts": "how services page through their keys",
  "storage/records.ts": "how every service writes its records",
  "telemetry/trace-header.ts": "the wire form of a trace context, used by every edge",
};

/** Outside packages and built-ins with one home each. */
export const homes: readonly {
  readonly what: RegExp;
  readonly where: readonly RegExp[];
  readonly instead: string;
}[] = [
  {
    what: /^lmdb$/,
    where: [/^storage\/drivers\/lmdb\//],
    instead: "use the Store interface",
  },
  {
    what: /^@smithy\/core|^@aws-sdk\/core/,
    where: [/^protocol\//],
    instead: "codecs belong to src/protocol",
  },
  {
    what: /^(node:)?child_process$/,
    // Workers are our own program again; a customer's code is started by the sandbox module alone.
    where: [/^functions\/sandbox\//, /^workers\/primary\/process\.ts$/],
    instead: "only the sandbox module creates processes",
  },
  {
    what: /^yauzl$/,
    where: [/^functions\/packages\//],
    instead: "archives are read by src/functions/packages only",
  },
];

/** Calls that are banned outside their home, each with its replacement. */
export const banned: readonly {
  readonly pattern: RegExp;
  readonly where: readonly RegExp[];
  readonly instead: string;
}[] = [
  { pattern: /\bDate\.now\(/, where: [/^base\//, /^cli\//], instead: "clock.nowMs()" },
  { pattern: /\bnew Date\(\)/, where: [/^base\//], instead: "new Date(clock.nowMs())" },
  { pattern: /\bperformance\.now\(/, where: [/^base\//], instead: "clock.monotonicMs()" },
  {
    pattern: /(?<![.\w])(setTimeout|setInterval)\(/,
    where: [/^base\//, /^functions\/sandbox\/launcher\//],
    instead: "clock.timer() or clock.sleep()",
  },
  { pattern: /\bMath\.random\(/, where: [/^base\//], instead: "random.fraction()" },
  {
    pattern: /\bconsole\./,
    where: [/^cli\//],
    instead: "log.event()",
  },
  {
    pattern: /\bprocess\.(env|argv)\b/,
    where: [/^config\//, /^functions\/sandbox\/launcher\//, /^skerry\.ts$/],
    instead: "a value from config",
  },
  { pattern: /\bFIXME\b/, where: [], instead: "finish it" },
];

export const fileLinesMax = 400;
export const functionLinesMax = 70;
export const mainLinesMax = 150;
export const doorLinesMax = 80;
