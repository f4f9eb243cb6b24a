/** Bounds of attribute values: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (seen 2026-11). */

/** Significant digits of a number. */
export const numberDigitsMax = 38;

/** Powers of ten of the first digit of a number: 1E-130 to 9.99…E+125. */
export const numberExponentMin = -130;
export const numberExponentMax = 125;

/** Levels of values inside one another; an attribute is the first. */
export const nestingMax = 32;

/** Bytes of one item, names and values. */
export const itemBytesMax = 400 * 1_024;
