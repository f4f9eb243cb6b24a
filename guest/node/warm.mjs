/** Imported at boot so that the first customer module finds the loader warm. */
export const isWarm = true;
