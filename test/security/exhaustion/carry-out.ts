import { DeleteFunctionCommand } from "@aws-sdk/client-lambda";
import { invoke } from "../../support/invoke.ts";
import type { Answer, AttackerRuntime, Outcome } from "../support/attackers.ts";
import { deployAttacker, outcomeOf } from "../support/attackers.ts";
import type { Target } from "../support/platform.ts";
import type { Attack } from "./attacks.ts";

/** How an attack ended, as its owner is told. */
export interface Told {
  /** `errorType` of a function error; undefined when the function answered. */
  readonly error: string | undefined;
  readonly outcome: Outcome | undefined;
  /** The REPORT line. */
  readonly report: string;
}

/** Carries attacks out on one platform; a function is deployed when it is first needed. */
export class Attackers {
  readonly #target: Target;
  readonly #deployed = new Map<string, Promise<void>>();

  constructor(target: Target) {
    this.#target = target;
  }

  /** The function that carries out this attack; attacks do not share one. */
  async function(attack: Attack, runtime: AttackerRuntime): Promise<string> {
    const { memoryMiB, timeoutSeconds, row, what } = attack;
    const name = `${runtime}-${row}-${what}`.replaceAll(/\W+/g, "-").slice(0, 64);
    const deploying =
      this.#deployed.get(name) ??
      deployAttacker(this.#target, name, {
        runtime,
        operations: "exhaustion",
        settings: { MemorySize: memoryMiB, Timeout: timeoutSeconds },
      });
    this.#deployed.set(name, deploying);
    await deploying;
    return name;
  }

  /** Ends what an attack left running. */
  async retire(attack: Attack, runtime: AttackerRuntime): Promise<void> {
    const FunctionName = await this.function(attack, runtime);
    await this.#target.lambda.send(new DeleteFunctionCommand({ FunctionName }));
  }

  async carryOut(attack: Attack, runtime: AttackerRuntime): Promise<Told> {
    const name = await this.function(attack, runtime);
    const { operation, given } = attack;
    const told = await invoke(this.#target.lambda, name, {
      attacks: [{ id: "it", operation, given }],
    });
    const report = /^REPORT .*$/m.exec(told.log)?.[0] ?? "";
    if (told.error !== undefined) {
      const { errorType = "?" } = told.payload as { errorType?: string }; // a function error
      return { error: errorType, outcome: undefined, report };
    }
    const { it } = told.payload as { it: Answer }; // attackers/*/serve.*
    return { error: undefined, outcome: outcomeOf(it), report };
  }
}
