import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { Store } from "#storage/storage.ts";
import type { Journal } from "../journal.ts";
import type { Outbox } from "../outbox/outbox.ts";

/** What every poller is made with. */
export interface PollerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly journal: Journal;
  readonly outbox: Outbox;
}
