import type { BusEvent } from "./bus-event.ts";
import { parseJsonPath, valueAt } from "./json-paths.ts";
import type { RuleTarget } from "./records.ts";

/** What reserved variables stand for. */
export interface InputSource {
  readonly event: BusEvent;
  readonly ruleArn: string;
  readonly ruleName: string;
  /** ISO 8601, of when the bus got the event. */
  readonly ingestionTime: string;
}

/**
 * What a target gets of an event: the whole, a constant, a part, or a template filled in
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html).
 */
export function targetInput(
  target: Pick<RuleTarget, "Input" | "InputPath" | "InputTransformer">,
  source: InputSource,
): string {
  const { event } = source;
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath !== undefined) {
    const path = parseJsonPath(target.InputPath);
    return JSON.stringify(path ? (valueAt(event.value, path) ?? null) : null);
  }
  const { InputTemplate, InputPathsMap = {} } = target.InputTransformer ?? {};
  if (InputTemplate === undefined) return event.text;
  return fill(InputTemplate, (name) => {
    const own = Object.hasOwn(InputPathsMap, name) ? InputPathsMap[name] : undefined;
    if (own === undefined) return reserved(name, source);
    const path = parseJsonPath(own);
    return path && (valueAt(event.value, path) ?? "");
  });
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html#eb-transform-input-predefined */
function reserved(name: string, source: InputSource): unknown {
  switch (name) {
    case "aws.events.rule-arn":
      return source.ruleArn;
    case "aws.events.rule-name":
      return source.ruleName;
    case "aws.events.event.ingestion-time":
      return source.ingestionTime;
    case "aws.events.event": {
      const { detail: _, ...rest } = source.event.value;
      return rest;
    }
    case "aws.events.event.json":
      return source.event.value;
    default:
      return undefined;
  }
}

const variable = /<([^<>\s"\\]{1,256})>/g;

/**
 * Variables that stand where JSON has a value become one; inside of quotes, texts are put in as they are
 * (escaped) and anything else as its JSON. A template that is no JSON is text. What is no variable stays.
 */
function fill(template: string, valueOf: (name: string) => unknown): string {
  const isJson = isJsonTemplate(template);
  let filled = "";
  let at = 0;
  let isQuoted = false;
  for (const found of template.matchAll(variable)) {
    const between = template.slice(at, found.index);
    isQuoted = quotedAfter(between, isQuoted);
    filled += between;
    at = found.index + found[0].length;
    const value = valueOf(found[1] ?? "");
    if (value === undefined) filled += found[0];
    else filled += written(value, { isJson, isQuoted });
  }
  return filled + template.slice(at);
}

function written(
  value: unknown,
  place: { readonly isJson: boolean; readonly isQuoted: boolean },
): string {
  const json = JSON.stringify(value);
  if (!place.isJson) return typeof value === "string" ? value : json;
  if (!place.isQuoted) return json;
  const text = typeof value === "string" ? value : json;
  return JSON.stringify(text).slice(1, -1);
}

function isJsonTemplate(template: string): boolean {
  let isQuoted = false;
  let at = 0;
  let sample = "";
  for (const found of template.matchAll(variable)) {
    const between = template.slice(at, found.index);
    isQuoted = quotedAfter(between, isQuoted);
    sample += between + (isQuoted ? "" : "0");
    at = found.index + found[0].length;
  }
  sample += template.slice(at);
  try {
    JSON.parse(sample);
    return true;
  } catch {
    return false;
  }
}

/** Whether the next character stands inside of a JSON text. */
function quotedAfter(text: string, before: boolean): boolean {
  let isQuoted = before;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') isQuoted = !isQuoted;
  }
  return isQuoted;
}

/** What is wrong with a target's input, in the service's words. */
export function inputProblem(target: RuleTarget, pathsMax: number): string | undefined {
  const given = [target.Input, target.InputPath, target.InputTransformer];
  if (given.filter((one) => one !== undefined).length > 1)
    return `Only one of Input, InputPath, or InputTransformer must be provided for target ${target.Id}.`;
  if (target.Input !== undefined && !isJsonText(target.Input))
    return `JSON syntax error in input for target ${target.Id}`;
  if (target.InputPath !== undefined && !parseJsonPath(target.InputPath))
    return `Invalid InputPath for target ${target.Id}.`;
  const paths = Object.entries(target.InputTransformer?.InputPathsMap ?? {});
  if (paths.length > pathsMax)
    return `Too many variables in InputPathsMap for target ${target.Id}.`;
  for (const [name, path] of paths) {
    if (/^aws\./i.test(name))
      return `InputPathsMap contains a reserved key for target ${target.Id}.`;
    if (!parseJsonPath(path)) return `Invalid InputTransformer for target ${target.Id} : ${name}.`;
  }
  return undefined;
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
