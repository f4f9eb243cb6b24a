import { assert } from "#base/assert.ts";
import { validation } from "./errors.ts";
import { numberDigitsMax, numberExponentMax, numberExponentMin } from "./limits.ts";

/**
 * A number as the service has it: the value is `d.ddd… × 10^exponent` with the given digits, which have
 * neither leading nor trailing zeros. Zero has no digits.
 */
export interface Decimal {
  readonly isNegative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

const zero: Decimal = { isNegative: false, digits: "", exponent: 0 };

/** What most numbers look like; these are their own canonical text. */
const shortInteger = /^(?:0|-?[1-9][0-9]{0,14})$/;
const numeric = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/;

/**
 * The canonical text of a number: no exponent, no superfluous zeros, no plus sign; equal numbers have
 * equal texts. `ValidationException` for what is none, or too large, too small or too precise.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
 */
export function canonicalNumber(text: string): string {
  if (shortInteger.test(text)) return text;
  return formatDecimal(withinRange(parseDecimal(text)));
}

/** Negative, zero or positive, as `left` is less than, equal to or greater than `right`; both canonical. */
export function compareNumbers(left: string, right: string): number {
  if (left === right) return 0;
  if (shortInteger.test(left) && shortInteger.test(right)) return Number(left) - Number(right);
  const a = parseDecimal(left);
  const b = parseDecimal(right);
  if (signOf(a) !== signOf(b)) return signOf(a) - signOf(b);
  const magnitude = a.exponent - b.exponent || (a.digits < b.digits ? -1 : 1);
  return a.isNegative ? -magnitude : magnitude;
}

/** Exact; `ValidationException` when the sum is out of range or needs more digits than a number has. */
export function addNumbers(left: string, right: string): string {
  if (shortInteger.test(left) && shortInteger.test(right))
    return String(Number(left) + Number(right));
  return formatDecimal(withinRange(sum(parseDecimal(left), parseDecimal(right))));
}

/** As `addNumbers`. */
export function subtractNumbers(left: string, right: string): string {
  return addNumbers(left, negated(right));
}

function negated(text: string): string {
  if (text === "0") return text;
  return text.startsWith("-") ? text.slice(1) : `-${text}`;
}

/** Reads any spelling the service takes; range and precision are not looked at. */
export function parseDecimal(text: string): Decimal {
  const match = numeric.exec(text);
  if (!match) throw notNumeric(text);
  const [, sign, integer = "", fraction = "", power = "0"] = match;
  const written = integer + fraction;
  if (written === "") throw notNumeric(text);
  const first = written.search(/[1-9]/);
  if (first < 0) return zero;
  const exponent = integer.length - 1 - first + Number(power);
  return { isNegative: sign === "-", digits: withoutTrailingZeros(written.slice(first)), exponent };
}

/** Not a regular expression: `/0+$/` looks at every run of zeros again from each of its zeros. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}

/** The sentences are production's: https://github.com/architect/dynalite/blob/main/test/putItem.js (seen 2026-11). */
function notNumeric(text: string): Error {
  const shown = text === "" ? "" : `: ${text}`;
  return validation(`The parameter cannot be converted to a numeric value${shown}`);
}

function withinRange(number: Decimal): Decimal {
  if (number.digits === "") return number;
  if (number.exponent > numberExponentMax) {
    throw validation(
      "Number overflow. Attempting to store a number with magnitude larger than supported range",
    );
  }
  if (number.exponent < numberExponentMin) {
    throw validation(
      "Number underflow. Attempting to store a number with magnitude smaller than supported range",
    );
  }
  if (number.digits.length > numberDigitsMax) {
    throw validation("Attempting to store more than 38 significant digits in a Number");
  }
  return number;
}

export function formatDecimal({ isNegative, digits, exponent }: Decimal): string {
  if (digits === "") return "0";
  const sign = isNegative ? "-" : "";
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const integerDigits = exponent + 1;
  if (digits.length <= integerDigits) return sign + digits.padEnd(integerDigits, "0");
  return `${sign}${digits.slice(0, integerDigits)}.${digits.slice(integerDigits)}`;
}

function signOf(number: Decimal): number {
  if (number.digits === "") return 0;
  return number.isNegative ? -1 : 1;
}

/** Both are in range, so that the powers of ten between them are few. */
function sum(left: Decimal, right: Decimal): Decimal {
  const lowest = Math.min(lastPower(left), lastPower(right));
  const total = scaled(left, lowest) + scaled(right, lowest);
  if (total === 0n) return zero;
  const digits = (total < 0n ? -total : total).toString();
  return {
    isNegative: total < 0n,
    digits: withoutTrailingZeros(digits),
    exponent: lowest + digits.length - 1,
  };
}

/** The power of ten of the last digit. */
function lastPower({ digits, exponent }: Decimal): number {
  return exponent - Math.max(digits.length, 1) + 1;
}

function scaled(number: Decimal, power: number): bigint {
  const shift = lastPower(number) - power;
  assert(shift >= 0 && shift <= 512, "numbers that are added are in range");
  const magnitude = BigInt((number.digits || "0") + "0".repeat(shift));
  return number.isNegative ? -magnitude : magnitude;
}
