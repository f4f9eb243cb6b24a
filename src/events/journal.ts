import { journalMax } from "./limits.ts";

/** What became of one try to hand something on. Kept for people to look at; never a payload. */
export interface Handover {
  /** Epoch milliseconds at which it was decided. */
  readonly atMs: number;
  readonly durationMs: number;
  /** Of what sent it: a bucket, topic, rule, queue, stream. */
  readonly sourceArn: string;
  readonly targetArn: string;
  /** Of the record or, of a batch, of its first one. */
  readonly recordId: string;
  readonly recordCount: number;
  /** Tries so far, this one included. */
  readonly attempts: number;
  readonly outcome: "delivered" | "failed" | "dead-lettered" | "dropped";
  /** An error's code or type. */
  readonly error?: string;
  readonly traceId: string;
}

/** The latest handovers of this process, bounded. */
export interface Journal {
  note(handover: Handover): void;
  /** Newest first. */
  recent(limit: number): readonly Handover[];
  clear(): void;
}

export function createJournal(): Journal {
  const ring: Handover[] = [];
  let next = 0;
  return {
    note(handover) {
      ring[next] = handover;
      next = (next + 1) % journalMax;
    },
    recent(limit) {
      const newest = [...ring.slice(0, next).toReversed(), ...ring.slice(next).toReversed()];
      return newest.slice(0, limit);
    },
    clear() {
      ring.length = 0;
      next = 0;
    },
  };
}
