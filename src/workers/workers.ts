/**
 * Several processes that answer like one. The primary starts workers, which are all alike: each
 * listens on the same port and has an engine of its own over the shared store. Every function lives in
 * one of them, its owner, and invocations that arrive elsewhere are passed on over a socket with their
 * bytes as they are.
 */
export { type Membership, openMembership, type OpenMembership } from "./membership/membership.ts";
export { startWorkers } from "./primary/primary.ts";
export { connectToPrimary } from "./worker.ts";
