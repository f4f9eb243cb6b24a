/**
 * What is there already in nearly all cases, and a promise where something has to be waited for first. `await`
 * takes either; on the path of a warm call it is asked which, since a turn through the queue of
 * microtasks for each of a dozen values took more time than working them out.
 */
export type Soon<T> = T | Promise<T>;
