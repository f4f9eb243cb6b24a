import { assert } from "#base/assert.ts";
import { decodeBase64, decodeUtf8 } from "./body.ts";
import { SerializationError } from "./errors.ts";
import { parseScalar } from "./scalars.ts";
import type { Member, Shape } from "./shapes.ts";
import { setOwn } from "./tree.ts";

/** The members of an input, output or error by where HTTP carries them. */
export interface Bindings {
  readonly labels: readonly Member[];
  readonly query: readonly (readonly [member: Member, name: string])[];
  /** A map of all query parameters, also of those that have a member of their own. */
  readonly queryParams: Member | undefined;
  readonly headers: readonly (readonly [member: Member, lowerName: string])[];
  readonly prefixHeaders: readonly (readonly [member: Member, lowerPrefix: string])[];
  readonly responseCode: Member | undefined;
  readonly payload: Member | undefined;
  /** Everything else. */
  readonly body: readonly Member[];
}

const inputs = new WeakMap<Shape, Bindings>();
const outputs = new WeakMap<Shape, Bindings>();

/** Labels and query parameters mean nothing in an output, nor does a status code in an input. */
const inputTraits = [
  "httpLabel",
  "httpQuery",
  "httpQueryParams",
  "httpHeader",
  "httpPrefixHeaders",
  "httpPayload",
];
const outputTraits = ["httpHeader", "httpPrefixHeaders", "httpPayload", "httpResponseCode"];

export function inputBindings(shape: Shape): Bindings {
  return cached(inputs, shape, inputTraits);
}

/** Of an output or an error. */
export function outputBindings(shape: Shape): Bindings {
  return cached(outputs, shape, outputTraits);
}

function cached(
  known: WeakMap<Shape, Bindings>,
  shape: Shape,
  bindingTraits: readonly string[],
): Bindings {
  let bindings = known.get(shape);
  if (!bindings) {
    bindings = split(shape.members, bindingTraits);
    known.set(shape, bindings);
  }
  return bindings;
}

function split(members: readonly Member[], bindingTraits: readonly string[]): Bindings {
  const traitOf = ({ traits }: Member): string | undefined =>
    bindingTraits.find((name) => traits[name] !== undefined);
  const bound = (name: string): Member[] => members.filter((member) => traitOf(member) === name);
  return {
    labels: bound("httpLabel"),
    query: bound("httpQuery").map((member) => [member, member.traits.httpQuery ?? ""]),
    queryParams: bound("httpQueryParams")[0],
    headers: bound("httpHeader").map((member) => [
      member,
      (member.traits.httpHeader ?? "").toLowerCase(),
    ]),
    prefixHeaders: bound("httpPrefixHeaders").map((member) => [
      member,
      (member.traits.httpPrefixHeaders ?? "").toLowerCase(),
    ]),
    responseCode: bound("httpResponseCode")[0],
    payload: bound("httpPayload")[0],
    body: members.filter((member) => traitOf(member) === undefined),
  };
}

type Values = Record<string, unknown>;

export function readLabels(
  { labels }: Bindings,
  found: Readonly<Record<string, string>>,
  values: Values,
): void {
  for (const member of labels) {
    const text = found[member.name];
    if (text === undefined) continue;
    values[member.name] = readText(member, decodePercent(text), "label");
  }
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new SerializationError("The request path is not valid percent-encoded UTF-8", "path");
  }
}

export function readQuery(
  { query, queryParams }: Bindings,
  rawQuery: string,
  values: Values,
): void {
  if (rawQuery === "" || (query.length === 0 && !queryParams)) return;
  const parameters = new URLSearchParams(rawQuery);
  for (const [member, name] of query) {
    const texts = parameters.getAll(name);
    const [first] = texts;
    if (first === undefined) continue;
    values[member.name] =
      member.shape.kind === "list"
        ? texts.map((text) => readText(elementOf(member), text, "query"))
        : readText(member, first, "query");
  }
  if (queryParams) values[queryParams.name] = readAllQuery(queryParams, parameters);
}

/** https://smithy.io/2.0/spec/http-bindings.html#httpqueryparams-trait: a server puts every parameter here. */
function readAllQuery(member: Member, parameters: URLSearchParams): Record<string, unknown> {
  const isListMap = elementOf(member).shape.kind === "list";
  const result: Record<string, unknown> = {};
  for (const name of new Set(parameters.keys())) {
    setOwn(result, name, isListMap ? parameters.getAll(name) : parameters.get(name));
  }
  return result;
}

export function readHeaders(
  { headers, prefixHeaders }: Bindings,
  sent: Readonly<Record<string, string>>,
  values: Values,
): void {
  for (const [member, name] of headers) {
    const text = sent[name];
    if (text === undefined) continue;
    values[member.name] =
      member.shape.kind === "list"
        ? splitList(elementOf(member), text).map((item) =>
            readText(elementOf(member), item, "header"),
          )
        : readText(member, text, "header");
  }
  for (const [member, prefix] of prefixHeaders) {
    const result: Record<string, unknown> = {};
    for (const [name, text] of Object.entries(sent)) {
      if (name.startsWith(prefix)) setOwn(result, name.slice(prefix.length), text);
    }
    if (Object.keys(result).length > 0) values[member.name] = result;
  }
}

function elementOf(member: Member): Member {
  assert(member.shape.element, "a list or map has an element");
  return member.shape.element;
}

/** Commas separate, except inside quotes and, in an HTTP date, behind the day of the week. */
function splitList(element: Member, text: string): string[] {
  const { kind, timestampFormat } = element.shape;
  const isHttpDate = kind === "timestamp" && (timestampFormat ?? "http-date") === "http-date";
  const items: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at <= text.length; at++) {
    if (text[at] === '"') isQuoted = !isQuoted;
    else if (isQuoted && text[at] === "\\") at++;
    const isEnd = at >= text.length || (text[at] === "," && !isQuoted);
    if (!isEnd || (isHttpDate && /^\s*[A-Za-z]{3}$/.test(text.slice(start, at).slice(0, 16))))
      continue;
    const item = text.slice(start, at).trim();
    if (item !== "") items.push(item.startsWith('"') ? unquote(item) : item);
    start = at + 1;
  }
  return items;
}

function unquote(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, "$1");
}

function readText({ shape, traits }: Member, text: string, place: Place): unknown {
  // Header text with a media type travels as base64 (https://smithy.io/2.0/spec/http-bindings.html#httpheader-trait).
  const isEncoded = place === "header" && shape.kind === "string" && traits.mediaType !== undefined;
  if (isEncoded) return decodeUtf8(decodeBase64(text));
  try {
    return parseScalar(shape.kind, text);
  } catch (error) {
    if (!(error instanceof SerializationError) || place === "label") throw error;
    throw new SerializationError(error.message, place);
  }
}

type Place = "label" | "query" | "header";
