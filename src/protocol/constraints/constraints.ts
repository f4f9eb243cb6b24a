import type { Operation, Service } from "#protocol/service/service.ts";
import * as limits from "./limits.ts";
import { entriesOf, keysOf, show, sizeOf, type ShownAs } from "./values.ts";

/** What a service's model demands of a member; the SDK's schemas do not carry it, so it is data. */
export interface Constraint {
  /** Characters of text, entries of a list or map, value of a number; inclusive. */
  readonly min?: number;
  readonly max?: number;
  /** The whole text must match; in the model's words, read as Unicode. */
  readonly pattern?: string;
  readonly values?: readonly string[];
  /** Of a list's entries and a map's values. */
  readonly items?: Constraint;
  /** Of a map's keys. */
  readonly names?: Constraint;
  /** The value is left out of the message. */
  readonly sensitive?: true;
  /** Said alone, instead of everything else, of a text that does not match; an empty one is only too short. */
  readonly mismatch?: (at: string) => string;
}

/** Member paths of the API to rules: `EphemeralStorage.Size`; `Tags[].Key` goes through a list. */
export type Constraints = Readonly<Record<string, Constraint>>;

/** A member absent from an operation is harmless, so that one row may serve the whole API. */
export interface ConstraintTable {
  readonly everywhere: Constraints;
  /** By operation name; beats `everywhere`. */
  readonly only: Readonly<Record<string, Constraints>>;
}

/** How a service tells its callers. */
export interface ConstraintWording {
  /** The service's error with this message. */
  readonly error: (message: string) => Error;
  /**
   * `each-demand`: all that is wrong with each value, entries by their own place
   * (`logEvents.1.member.message`). `each-member`: the first thing wrong with each row's member, and of a
   * container with a bad entry all that entries must satisfy.
   */
  readonly reports: "each-demand" | "each-member";
  /** How the offending value is repeated. */
  readonly shown: ShownAs;
  /** Sentences in one message; it counts all of the row that reached them, later rows unseen. Default 100. */
  readonly breachesMax?: number;
}

export interface ConstraintCheck {
  /** Throws the service's error with every breach: `1 validation error detected: Value '0' at 'limit' failed …`. */
  check(operationName: string, input: object): void;
  /** The same service, whose handlers see only input that keeps the rules. */
  guard(service: Service): Service;
}

/** Pure. Each operation's rules are compiled at its first call, each pattern at its first text. */
export function createConstraintCheck(
  table: ConstraintTable,
  wording: ConstraintWording,
): ConstraintCheck {
  const compile = createCompiler(wording);
  const rows = new Map<string, readonly Row[]>();
  const check = (operationName: string, input: object): void => {
    let own = rows.get(operationName);
    if (!own) {
      const members = Object.entries({ ...table.everywhere, ...table.only[operationName] });
      own = members.map(([path, constraint]) => ({
        steps: path.replaceAll("[]", ".[]").split("."),
        rule: compile(constraint),
      }));
      rows.set(operationName, own);
    }
    checkInput(input, own, wording);
  };
  return {
    check,
    guard(service) {
      const operations = [...service.operations].map(([name, operation]): [string, Operation] => {
        const handle: Operation["handle"] = async (input, context) => {
          check(name, input);
          return await operation.handle(input, context);
        };
        return [name, { ...operation, handle }];
      });
      return { ...service, operations: new Map(operations) };
    },
  };
}

interface Row {
  readonly steps: readonly string[];
  readonly rule: Rule;
}

interface Rule extends Omit<Constraint, "items" | "names"> {
  readonly matches: (text: string) => boolean;
  readonly items: Rule | undefined;
  readonly names: Rule | undefined;
}

/** Rules that operations share are shared. */
function createCompiler({ reports }: ConstraintWording): (constraint: Constraint) => Rule {
  const compiled = new Map<Constraint, Rule>();
  return function compile(constraint) {
    const known = compiled.get(constraint);
    if (known) return known;
    const { items, names, pattern, max = Infinity } = constraint;
    const saysBoth = reports === "each-demand";
    const charactersMax = saysBoth ? Math.max(max, limits.matchedCharactersMax) : max;
    let expression: RegExp | undefined;
    const rule: Rule = {
      ...constraint,
      matches: (text) => {
        if (pattern === undefined || text.length > charactersMax) return true; // its length is told
        expression ??= new RegExp(`^(?:${pattern})$`, "u");
        return expression.test(text);
      },
      items: items && compile(items),
      names: names && compile(names),
    };
    compiled.set(constraint, rule);
    return rule;
  };
}

type Report = (found: Found, rule: Rule, demand: string) => void;

function checkInput(input: object, rows: readonly Row[], wording: ConstraintWording): void {
  const { breachesMax = limits.breachesMax } = wording;
  const breaches: string[] = [];
  let count = 0;
  const report: Report = ({ at, value }, { sensitive }, demand) => {
    count += 1;
    if (count > breachesMax) return;
    const shown = sensitive ? "" : ` '${show(value, wording.shown)}'`;
    breaches.push(`Value${shown} at '${at}' failed to satisfy constraint: ${demand}`);
  };
  for (const { steps, rule } of rows) {
    for (const found of select(input, steps, "")) {
      refuseMismatch(found, rule, wording);
      if (wording.reports === "each-demand") {
        reportAll(found, rule, report);
        continue;
      }
      const demand = firstDemand(found.value, rule);
      if (demand !== undefined) report(found, rule, demand);
    }
    if (count >= breachesMax) break;
  }
  if (count === 0) return;
  const noun = count === 1 ? "error" : "errors";
  throw wording.error(`${count} validation ${noun} detected: ${breaches.join("; ")}`);
}

interface Found {
  /** As the real services spell it: `kMSKeyArn`, `tags.1.member.key`. */
  readonly at: string;
  readonly value: unknown;
}

function select(value: unknown, [step, ...rest]: readonly string[], at: string): readonly Found[] {
  if (value === undefined || value === null) return [];
  if (step === undefined) return [{ at, value }];
  if (step === "[]") {
    if (!Array.isArray(value)) return [];
    return value.flatMap((entry, index) => select(entry, rest, `${at}.${index + 1}.member`));
  }
  if (typeof value !== "object" || Array.isArray(value)) return [];
  const member = (value as Record<string, unknown>)[step]; // decoded input is plain objects
  const name = step.charAt(0).toLowerCase() + step.slice(1);
  return select(member, rest, at === "" ? name : `${at}.${name}`);
}

function refuseMismatch({ at, value }: Found, rule: Rule, { error }: ConstraintWording): void {
  if (!rule.mismatch || typeof value !== "string" || value === "" || rule.matches(value)) return;
  throw error(rule.mismatch(at));
}

function reportAll(found: Found, rule: Rule, report: Report): void {
  const { at, value } = found;
  const { names, items } = rule;
  for (const demand of demands(value, rule, "broken")) report(found, rule, demand);
  if (names) for (const key of keysOf(value)) reportAll({ at, value: key }, names, report);
  if (!items) return;
  for (const [place, entry] of entriesOf(value)) {
    reportAll({ at: `${at}.${place}.member`, value: entry }, items, report);
  }
}

function firstDemand(value: unknown, rule: Rule): string | undefined {
  const [own] = demands(value, rule, "broken");
  if (own !== undefined) return own;
  const { names, items } = rule;
  for (const key of names ? keysOf(value) : []) {
    if (names && firstDemand(key, names)) return `Map keys ${mustSatisfy(key, names)}`;
  }
  const what = Array.isArray(value) ? "Member" : "Map value";
  for (const [, entry] of items ? entriesOf(value) : []) {
    if (items && firstDemand(entry, items)) return `${what} ${mustSatisfy(entry, items)}`;
  }
  return undefined;
}

function mustSatisfy(entry: unknown, rule: Rule): string {
  const all = [...demands(entry, rule, "every"), "Member must not be null"];
  return `must satisfy constraint: [${all.join(", ")}]`;
}

/** The sentences for what `value` breaks, or for all its rule demands of such a value. */
function demands(value: unknown, rule: Rule, which: "broken" | "every"): readonly string[] {
  const { min, max, values, pattern, matches } = rule;
  const isEvery = which === "every";
  const sentences: string[] = [];
  const say = (sentence: string): void => void sentences.push(`Member must ${sentence}`);
  const size = sizeOf(value);
  if (size === undefined) return sentences;
  const measure = typeof value === "number" ? "value" : "length";
  if (max !== undefined && (isEvery || size > max)) {
    say(`have ${measure} less than or equal to ${max}`);
  }
  if (min !== undefined && (isEvery || size < min || Number.isNaN(size))) {
    say(`have ${measure} greater than or equal to ${min}`);
  }
  if (typeof value !== "string") return sentences;
  if (values && (isEvery || !values.includes(value))) {
    say(`satisfy enum value set: [${values.join(", ")}]`);
  }
  if (pattern !== undefined && (isEvery || !matches(value))) {
    say(`satisfy regular expression pattern: ${pattern}`);
  }
  return sentences;
}
