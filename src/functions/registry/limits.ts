/** Resolved functions kept in memory; a running process rarely calls more than a few hundred. */
export const cachedFunctionsMax = 10_000;

/** Qualifiers remembered per function; beyond this all of the function's are loaded again. */
export const cachedQualifiersMax = 64;
