import { uuid } from "#base/ids.ts";
import { systemRandom } from "#base/random.ts";
import type { Shape } from "./shapes.ts";

/** A client that sends no idempotency token gets one of its own: each of its requests is a new one. */
export function fillTokens(input: Shape, value: Record<string, unknown>): void {
  for (const member of input.members) {
    if (member.traits.idempotencyToken && value[member.name] === undefined) {
      value[member.name] = uuid(systemRandom);
    }
  }
}
