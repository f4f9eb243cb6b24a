import { systemClock } from "#base/clock.ts";
import { deploy, publish, source } from "../../support/functions.ts";
import { type Service, visit } from "../../support/neighbour.ts";
import type { AttackerRuntime } from "../support/attackers.ts";
import { whyNoAttacker } from "../support/attackers.ts";
import { startFarTarget } from "../support/far-platform.ts";
import type { Attack } from "./attacks.ts";
import { Attackers } from "./carry-out.ts";

/** How one function was served while another did its worst. */
export interface NeighbourRow {
  readonly attack: string;
  readonly runtime: AttackerRuntime;
  readonly quiet: Service;
  readonly attacked: Service;
  /** How often the attack was carried out meanwhile. */
  readonly rounds: number;
}

export interface NeighbourOptions {
  readonly attacks: readonly Attack[];
  readonly runtimes: readonly AttackerRuntime[];
  /** Each phase, quiet and attacked. */
  readonly phaseMs: number;
  /** Calls of the neighbour, at a fixed rate. */
  readonly perSecond: number;
  readonly onRow?: (row: NeighbourRow) => void;
}

/**
 * A platform in a process of its own; for each attack a quiet phase right before the attacked one, so
 * that what else the machine does falls on both. The attack is carried out again and again.
 */
export async function measureNeighbour(options: NeighbourOptions): Promise<NeighbourRow[]> {
  await using target = await startFarTarget();
  await deploy(
    target.lambda,
    "neighbour",
    { "index.mjs": await source("echo.mjs") },
    { MemorySize: 1_769 },
  );
  const url = await publish(target.lambda, "neighbour");
  const during = async (work: (untilMs: number) => Promise<unknown>): Promise<Service> => {
    const visitors = visit(url, { perSecond: options.perSecond, connectionsMax: 128 });
    await work(systemClock.monotonicMs() + options.phaseMs);
    return visitors.stop();
  };
  await during((untilMs) => pause(untilMs)); // warms up
  const rows: NeighbourRow[] = [];
  for (const attack of options.attacks)
    for (const runtime of attack.runtimes.filter((each) => options.runtimes.includes(each))) {
      if ((await whyNoAttacker(target, runtime, "exhaustion")) !== undefined) continue;
      const attackers = new Attackers(target);
      await attackers.function(attack, runtime);
      const quiet = await during(pause);
      let rounds = 0;
      const attacked = await during(async (untilMs) => {
        for (; systemClock.monotonicMs() < untilMs; rounds++)
          await attackers.carryOut(attack, runtime);
      });
      await attackers.retire(attack, runtime);
      const row = { attack: `${attack.row}, ${attack.what}`, runtime, quiet, attacked, rounds };
      rows.push(row);
      options.onRow?.(row);
    }
  return rows;
}

const neverAborted = new AbortController().signal;
const pause = (untilMs: number): Promise<void> =>
  systemClock.sleep(untilMs - systemClock.monotonicMs(), neverAborted);
