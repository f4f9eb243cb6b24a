import { parseArn } from "#base/arn.ts";
import type { RequestContext } from "#base/context.ts";
import type { BusAddress, Home } from "./records.ts";

export const defaultBus = "default";

export function homeOf(context: RequestContext): Home {
  return { accountId: context.principal.accountId, region: context.region };
}

export function busArn({ accountId, region, bus }: BusAddress): string {
  return `arn:aws:events:${region}:${accountId}:event-bus/${bus}`;
}

/** Rules of the default bus do not name it. */
export function ruleArn({ accountId, region, bus }: BusAddress, name: string): string {
  const path = bus === defaultBus ? name : `${bus}/${name}`;
  return `arn:aws:events:${region}:${accountId}:rule/${path}`;
}

export function archiveArn({ accountId, region }: Home, name: string): string {
  return `arn:aws:events:${region}:${accountId}:archive/${name}`;
}

export function replayArn({ accountId, region }: Home, name: string): string {
  return `arn:aws:events:${region}:${accountId}:replay/${name}`;
}

/** A bus by name or ARN; an ARN may name another account's. */
export function busAddress(nameOrArn: string | undefined, home: Home): BusAddress {
  const arn = nameOrArn === undefined ? undefined : parseArn(nameOrArn);
  if (!arn) return { ...home, bus: nameOrArn ?? defaultBus };
  const { accountId, region } = arn;
  return { accountId, region, bus: arn.resource.replace(/^event-bus\//, "") };
}

/** The name in an archive's ARN. */
export function archiveNameOf(arn: string): string | undefined {
  const resource = parseArn(arn)?.resource;
  return resource?.startsWith("archive/") ? resource.slice("archive/".length) : undefined;
}

/** What an ARN of a bus or rule is about; undefined for any other. */
export function resourceOf(
  text: string,
): { readonly address: BusAddress; readonly rule: string | undefined } | undefined {
  const arn = parseArn(text);
  if (arn?.service !== "events") return undefined;
  const { accountId, region } = arn;
  const [kind, first = "", ...rest] = arn.resource.split("/");
  if (kind === "event-bus")
    return { address: { accountId, region, bus: [first, ...rest].join("/") }, rule: undefined };
  if (kind !== "rule" || first === "") return undefined;
  const rule = rest.pop();
  if (rule === undefined) return { address: { accountId, region, bus: defaultBus }, rule: first };
  return { address: { accountId, region, bus: [first, ...rest].join("/") }, rule };
}
