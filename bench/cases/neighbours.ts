import { attacks } from "../../test/security/exhaustion/attacks.ts";
import { measureNeighbour } from "../../test/security/exhaustion/neighbour-table.ts";
import { runtimes } from "../../test/security/support/attackers.ts";
import { type Finding, result, spread } from "../harness.ts";
import { stealClock } from "../machine.ts";
import { sized } from "../settings.ts";

const perSecond = 50;

/**
 * How a function is served while another exhausts what it can. Each attack has its quiet phase right
 * before it; `npm run attack:neighbour` is the same measurement with more to choose.
 */
export async function neighbours(): Promise<readonly Finding[]> {
  if (process.getuid?.() !== 0) {
    return [{ absent: "a neighbour under exhaustion", why: "needs root, for control groups" }];
  }
  const phaseMs = sized(10_000, 1_000);
  let steal = stealClock();
  const findings: Finding[] = [];
  const measuring = measureNeighbour({
    attacks: sized(attacks.length, 1) === 1 ? attacks.slice(0, 1) : attacks,
    runtimes: sized(runtimes.length, 1) === 1 ? runtimes.slice(0, 1) : runtimes,
    phaseMs,
    perSecond,
    onRow({ attack, runtime, quiet, attacked, rounds }) {
      const name = `attack ${attack}, from ${runtime}`;
      const about = {
        referenceName: "the same, quiet",
        stealPercentMax: steal.percent(),
        notes: [
          `${quiet.calls} quiet calls and ${attacked.calls} under attack at ${perSecond}/s (open loop); ` +
            `the attack was carried out ${rounds} times`,
        ],
      };
      findings.push(
        result({
          ...about,
          name: `neighbour's p99 under ${name}`,
          unit: "ms",
          ours: spread([attacked.p99Ms]),
          reference: spread([quiet.p99Ms]),
          targets: ["neighbour"],
        }),
        result({
          ...about,
          name: `neighbour's errors under ${name}`,
          unit: "errors",
          ours: spread([attacked.errors.length]),
          reference: spread([quiet.errors.length]),
          targets: ["neighbour-errors"],
        }),
      );
      steal = stealClock();
    },
  });
  // The attacks before the one that failed have been measured all the same.
  return measuring.then(
    () => findings,
    (error: unknown) => [
      ...findings,
      { absent: "a neighbour under the attacks after these", why: String(error) },
    ],
  );
}
