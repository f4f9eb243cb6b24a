/** Years that cron expressions can name: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based */
export const yearMin = 1970;
export const yearMax = 2199;

/** Formats of time zones that are kept; making one takes a thousand times as long as using it. */
export const zonesMax = 64;

/** Characters of an expression: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html */
export const expressionCharactersMax = 256;

/** Missed times of one schedule that are made up for after downtime, or when the clock was put forward. */
export const caughtUpMax = 1_440;

/** Due times handled in one transaction. */
export const dueBatchMax = 100;

/** How long before it is due something is told of, so that what it will need can be made ready. */
export const foreseenMs = 60_000;

/** Milliseconds until due times are looked at again after the store refused. */
export const storeTroubleMs = 1_000;
