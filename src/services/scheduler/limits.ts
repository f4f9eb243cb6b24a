/** Quotas of EventBridge Scheduler: https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html (seen 2026-11). */

export const groupsMax = 500;
export const tagsPerResourceMax = 50;

/** Retries and age of a delivery unless its target says otherwise: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html */
export const retriesDefault = 185;
export const ageSecondsDefault = 86_400;

/** Entries of one page of a listing when the caller names none. */
export const pageItemsDefault = 100;
