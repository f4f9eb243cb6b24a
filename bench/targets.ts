import type { Result } from "./harness.ts";

/** Which number of a result a target speaks about. */
type Measure =
  | "ratio of medians"
  | "ratio of p99"
  | "ours, median"
  | "ours, p99"
  | "ours, worst"
  | "difference of medians"
  | "difference of p95";

export interface Target {
  /** The figure, in words. */
  readonly figure: string;
  readonly measure: Measure;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** × for ratios. */
  readonly unit: string;
}

const ratio = { measure: "ratio of medians", unit: "×" } as const;
const warmLatency = "warm latency at concurrency 1";
const onePage = "10,000 deployed functions, 100 active, beside 10";

/** What the engine is measured by. A result names the rows it decides. */
export const targets = {
  "warm-throughput": {
    figure: "warm throughput through a function URL, 32 connections, against bare `node:http`",
    ...ratio,
    atLeast: 0.5,
  },
  "s3-small": { figure: "PUT and GET of 1 KiB objects against s3rver", ...ratio, atLeast: 3 },
  "s3-large": {
    figure: "PUT and GET of 16 MiB objects against the same hashing and writing in a bare server",
    ...ratio,
    atLeast: 0.8,
  },
  patterns: {
    figure: "EventBridge matching, 1,000 rules, against event-ruler",
    ...ratio,
    atLeast: 0.5,
  },
  "patterns-growth": {
    figure: "EventBridge matching at 1,000,000 rules against 1,000",
    ...ratio,
    atMost: 1.3,
  },
  "warm-nuclio": { figure: "the same against Nuclio's Node", ...ratio, atLeast: 4 },
  "warm-ministack": { figure: "the same against ministack", ...ratio, atLeast: 10 },
  "warm-added-p50": {
    figure: `${warmLatency}, added at p50`,
    measure: "difference of medians",
    unit: "ms",
    atMost: 0.15,
  },
  "warm-p99": { figure: `${warmLatency}, p99 against bare p99`, ...ratio, atMost: 5 },
  "hit-p50": { figure: "cold start, Node, ready sandbox, p50", ...ratio, atMost: 0.2 },
  "hit-p99": {
    figure: "cold start, Node, ready sandbox, p99",
    measure: "ratio of p99",
    unit: "×",
    atMost: 0.8,
  },
  "miss-node": { figure: "cold start, Node, nothing ready", ...ratio, atMost: 1.3 },
  "miss-python": { figure: "cold start, Python, nothing ready", ...ratio, atMost: 1.3 },
  "burst-many": { figure: "burst of 50 first calls to 50 functions", ...ratio, atMost: 1.3 },
  "burst-one": { figure: "burst of 100 calls to one function", ...ratio, atMost: 1.3 },
  sustained: { figure: "sustained cold starts per second", ...ratio, atLeast: 0.8 },
  "overhead-median": {
    figure: "sandbox overhead, median",
    measure: "difference of medians",
    unit: "ms",
    atMost: 8,
  },
  "overhead-p95": {
    figure: "sandbox overhead, p95",
    measure: "difference of p95",
    unit: "ms",
    atMost: 15,
  },
  kill: {
    figure: "timeout under a fork bomb until the last process is gone, p99",
    measure: "ours, p99",
    unit: "ms",
    atMost: 150,
  },
  neighbour: { figure: "a neighbour's p99 under an exhaustion attack", ...ratio, atMost: 2 },
  "neighbour-errors": {
    figure: "a neighbour's errors under an exhaustion attack",
    measure: "ours, worst",
    unit: "errors",
    atMost: 0,
  },
  goodput: { figure: "goodput at 10 × overload, share of the peak", ...ratio, atLeast: 0.9 },
  refusals: {
    figure: "refusals at 10 × overload, p99",
    measure: "ours, p99",
    unit: "ms",
    atMost: 50,
  },
  ready: { figure: "ready time of the platform", measure: "ours, median", unit: "ms", atMost: 400 },
  "idle-memory": {
    figure: "resident memory of the idle platform without the pool",
    measure: "ours, median",
    unit: "MB",
    atMost: 100,
  },
  "environment-node": {
    figure: "PSS of an idle warm Node environment against the bare process",
    ...ratio,
    atMost: 1.2,
  },
  "environment-python": {
    figure: "PSS of an idle warm Python environment against the bare process",
    ...ratio,
    atMost: 1.2,
  },
  "sqs-elasticmq": {
    figure: "SQS send + receive + delete, ours durable, against ElasticMQ in memory",
    ...ratio,
    atLeast: 1.5,
  },
  "sqs-ministack": {
    figure: "SQS send + receive + delete, ours durable, against ministack in memory",
    ...ratio,
    atLeast: 5,
  },
  "sqs-growth": {
    figure: "SQS cost at 10⁶ messages against 10³",
    ...ratio,
    atMost: 1.3,
  },
  "event-queue": {
    figure: "SQS to the start of a warm function, behind the accepting response, p50",
    measure: "ours, median",
    unit: "ms",
    atMost: 5,
  },
  "event-queue-p99": { figure: "the same, p99", measure: "ours, p99", unit: "ms", atMost: 25 },
  "event-stream": {
    figure: "DynamoDB stream to the start of a warm function, p50",
    measure: "ours, median",
    unit: "ms",
    atMost: 5,
  },
  "event-stream-p99": { figure: "the same, p99", measure: "ours, p99", unit: "ms", atMost: 25 },
  "keep-alive-cold": {
    figure: "cold starts under our keep-alive, against fixed ten minutes",
    ...ratio,
    atMost: 0.3,
  },
  "keep-alive-memory": {
    figure: "idle memory under our keep-alive, against fixed ten minutes",
    ...ratio,
    atMost: 0.6,
  },
  "many-warm": { figure: `${onePage}: warm latency`, ...ratio, atMost: 1.1 },
  "many-cold": { figure: `${onePage}: cold start`, ...ratio, atMost: 1.1 },
  "dynamodb-get": {
    figure: "DynamoDB GetItem, against a server that reads the body",
    ...ratio,
    atLeast: 0.45,
  },
  "dynamodb-put": {
    figure: "DynamoDB PutItem, durable, against the same",
    ...ratio,
    atLeast: 0.35,
  },
  "dynamodb-get-dynalite": { figure: "DynamoDB GetItem, against dynalite", ...ratio, atLeast: 1.2 },
  "dynamodb-put-dynalite": {
    figure: "DynamoDB PutItem, durable, against dynalite",
    ...ratio,
    atLeast: 1.2,
  },
  "dynamodb-growth": { figure: "GetItem at 1,000,000 items, against 1,000", ...ratio, atMost: 1.3 },
} as const satisfies Record<string, Target>;

export type TargetId = keyof typeof targets;

export interface Verdict {
  readonly id: TargetId;
  readonly value: number;
  readonly isMet: boolean;
  /** `met`, or by how much it is missed. */
  readonly text: string;
}

/** Every target that a result decides, and how it did. */
export function judge(result: Result): readonly Verdict[] {
  return (result.targets ?? []).map((id) => {
    const target: Target = targets[id];
    const value = valueOf[target.measure](result);
    const bound = target.atMost ?? target.atLeast ?? NaN;
    // A number that is none becomes null in a file, and null is below every bound.
    if (!Number.isFinite(value)) return { id, value: NaN, isMet: false, text: "has no value" };
    const isMet = target.atMost === undefined ? value >= bound : value <= bound;
    const missedBy = bound === 0 ? `${value} ${target.unit}` : percent(Math.abs(value / bound - 1));
    return { id, value, isMet, text: isMet ? "met" : `missed by ${missedBy}` };
  });
}

/** `≤ 1.30 ×` */
export function boundOf({ atMost, atLeast, unit }: Target): string {
  return atMost === undefined ? `≥ ${atLeast} ${unit}` : `≤ ${atMost} ${unit}`;
}

const valueOf: Readonly<Record<Measure, (result: Result) => number>> = {
  "ratio of medians": ({ ratio }) => ratio,
  "ratio of p99": ({ ours, reference }) => ours.p99 / reference.p99,
  "ours, median": ({ ours }) => ours.median,
  "ours, p99": ({ ours }) => ours.p99,
  "ours, worst": ({ ours }) => ours.max,
  "difference of medians": ({ ours, reference }) => ours.median - reference.median,
  "difference of p95": ({ ours, reference }) => ours.p95 - reference.p95,
};

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
