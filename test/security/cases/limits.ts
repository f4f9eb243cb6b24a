import { readFileSync } from "node:fs";
import type { Outcome } from "../support/attackers.ts";
import type { Attack } from "../support/contest.ts";
import { systemCalls } from "../support/system-calls.ts";

const control = "limits";

/**
 * A dump starts the host's program where its core pattern is a pipe (core(5)): a control would start
 * it. Where dumps are files, they end up in the sandbox's own /tmp, and a control may be run.
 */
const isPiped = readFileSync("/proc/sys/kernel/core_pattern", "utf8").startsWith("|");

export function limitAttacks(): readonly Attack[] {
  const isDumped = ({ value }: Outcome): boolean => value === "dumped";
  const dump = (signal: string): Attack => ({
    row: "26 core dumps",
    id: `a crash by SIG${signal} with the limit raised`,
    operation: "dump",
    given: { text: signal },
    raw: true,
    blocked: (outcome) => !isDumped(outcome),
    succeeded: isDumped,
    control: isPiped ? "defended" : control,
    excuse: () =>
      isPiped ? "the host's core pattern is a program, which would be started" : undefined,
  });
  const raw = (id: string, call: "mlock" | "mq_open", values: readonly unknown[]): Attack => ({
    row: "19 limits inherited",
    id,
    operation: "syscall",
    given: { number: systemCalls[call], values },
    raw: true,
    control,
  });
  return [
    ...["SEGV", "ABRT", "QUIT", "SYS", "TRAP"].map(dump),
    raw("1 MiB locked in memory", "mlock", [{ zero: 1 << 20 }, 1 << 20]),
    raw("a queue in the kernel's memory", "mq_open", [{ text: "skerry" }, 0o102, 0o600, 0]),
  ];
}
