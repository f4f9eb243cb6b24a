import { parseArgs } from "node:util";
import { attacks } from "../test/security/exhaustion/attacks.ts";
import { measureNeighbour } from "../test/security/exhaustion/neighbour-table.ts";
import { runtimes } from "../test/security/support/attackers.ts";

// How a function is served while its neighbour exhausts what it can. As root.
// `npm run attack:neighbour -- --seconds 10 --rate 50 --runtimes node,python,native --only "fork bomb"`
const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    rate: { type: "string", default: "50" },
    runtimes: { type: "string", default: runtimes.join(",") },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
const cells = (...texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
const show = (ms: number): string => ms.toFixed(2);
if (!values.json) {
  const title = [
    "attack",
    "from",
    "quiet p99 ms",
    "attacked p99 ms",
    "ratio",
    "errors",
    "calls",
    "rounds",
  ];
  console.log(cells(...title));
  console.log(cells(...title.map(() => "---")));
}
const rows = await measureNeighbour({
  attacks: attacks.filter((attack) => `${attack.row}, ${attack.what}`.includes(values.only)),
  runtimes: runtimes.filter((runtime) => values.runtimes.split(",").includes(runtime)),
  phaseMs: Number(values.seconds) * 1_000,
  perSecond: Number(values.rate),
  onRow({ attack, runtime, quiet, attacked, rounds }) {
    if (values.json) return;
    const errors = quiet.errors.length + attacked.errors.length;
    const calls = quiet.calls + attacked.calls;
    const ratio = attacked.p99Ms / quiet.p99Ms;
    console.log(
      cells(
        attack,
        runtime,
        show(quiet.p99Ms),
        show(attacked.p99Ms),
        ratio.toFixed(2),
        ...[errors, calls, rounds].map(String),
      ),
    );
  },
});
if (values.json) console.log(JSON.stringify(rows));
