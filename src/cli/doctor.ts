import type { Command, Diagnosis } from "./command.ts";
import { table } from "./help.ts";
import { announced } from "./progress.ts";

/** `skerry doctor`: what this host can do, verified from inside a real sandbox. */
export const doctor: Command = {
  name: "doctor",
  operands: "",
  summary: "check this host: isolation verified from inside a sandbox, runtimes found",
  flags: [],
  serverFlags: true,
  async run(invocation, terminal) {
    const diagnosis = await announced(
      terminal,
      "making sandboxes and looking around in them",
      terminal.diagnose(invocation.config),
    );
    terminal.out(
      invocation.json ? `${JSON.stringify(diagnosis, undefined, 2)}\n` : describe(diagnosis),
    );
    return isHealthy(diagnosis) ? 0 : 1;
  },
};

/** Healthy means: the driver works and every required property was seen to hold. */
function isHealthy(diagnosis: Diagnosis): boolean {
  const broken = diagnosis.properties.some((property) => property.required && !property.holds);
  return diagnosis.sandbox.usable && !broken;
}

function describe(diagnosis: Diagnosis): string {
  const mark = (holds: boolean, required: boolean): string =>
    holds ? "ok" : required ? "FAILED" : "no";
  const { sandbox, properties, runtimes } = diagnosis;
  const lines = [
    `skerry ${diagnosis.version}`,
    "",
    `sandbox driver: ${sandbox.driver}: ${sandbox.reason}`,
    "",
    ...(properties.length > 0 ? ["seen from inside a sandbox:"] : []),
    ...table(properties.map((p) => [`  ${mark(p.holds, p.required)}`, p.name, p.detail])),
    "",
    "runtimes:",
    ...table(runtimes.map((r) => [`  ${mark(r.usable, false)}`, r.identifier, r.reason])),
    "",
    isHealthy(diagnosis)
      ? "Everything a contained function needs holds."
      : "Functions will be refused until the lines marked FAILED are repaired.",
    "",
  ];
  return lines.join("\n");
}
