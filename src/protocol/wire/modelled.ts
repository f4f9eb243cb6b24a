import { exceptionShape } from "./shapes.ts";
import type { Member } from "./shapes.ts";
import type { WireError } from "./wire.ts";

/** The members of the modelled exception; empty for the protocol's own errors. */
export function modelledMembers(error: WireError): readonly Member[] {
  return (error.modelled && exceptionShape(error.modelled)?.members) || [];
}

/** The message is an accessor-less property on some exceptions and `Message` on others; by name it is always there. */
export function modelledValue(error: WireError): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const { name } of modelledMembers(error)) {
    const own = (error.modelled as Record<string, unknown>)[name]; // an exception's members are its properties
    value[name] = own ?? (isMessage(name) ? error.message : undefined);
  }
  return value;
}

/**
 * A body's fields by `write`, with the message under the name the model gives it, else `message`; the
 * framework's own deserialiser spells it `Message` (https://github.com/aarondfrancis/sidecar/issues/28,
 * seen 2026-11).
 */
export function errorMembers(
  error: WireError,
  write: (members: readonly Member[], value: object) => Record<string, unknown>,
): Record<string, unknown> {
  const members = modelledMembers(error);
  const written = write(members, modelledValue(error));
  if (members.some(({ name }) => isMessage(name))) return written;
  const key = error.name === "SerializationException" ? "Message" : "message";
  return { [key]: error.message, ...written };
}

export function isMessage(name: string): boolean {
  return name === "message" || name === "Message";
}
