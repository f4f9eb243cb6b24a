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
  /** A map of all query parameters that no member claims. */
  readonly queryParams: Member | undefined;
  readonly headers: readonly (readonly [member: Member, lowerName: string])[];
  readonly prefixHeaders: readonly (readonly [member: Member, lowerPrefix: string])[];
  readonly responseCode: Member | undefined;
  readonly payload: Member | undefined;
  /** Everything else. */
  readonly body: readonly Member[];
}

const known = new WeakMap<Shape, Bindings>();

export function splitBindings(shape: Shape): Bindings {
  let bindings = known.get(shape);
  if (!bindings) {
    bindings = computeBindings(shape.members);
    known.set(shape, bindings);
  }
  return bindings;
}

function computeBindings(members: readonly Member[]): Bindings {
  const bound = (name: string): Member[] =>
    members.filter(({ traits }) => traits[name] !== undefined);
  const isBound = ({ traits }: Member): boolean =>
    bindingTraits.some((name) => traits[name] !== undefined);
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
    body: members.filter((member) => !isBound(member)),
  };
}

const bindingTraits = [
  "httpLabel",
  "httpQuery",
  "httpQueryParams",
  "httpHeader",
  "httpPrefixHeaders",
  "httpResponseCode",
  "httpPayload",
];

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
    throw new SerializationError("The request path is not valid percent-encoded UTF-8");
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
  if (queryParams) values[queryParams.name] = readOtherQuery(query, queryParams, parameters);
}

/** Claimed names are left out: the bound member wins. */
function readOtherQuery(
  query: Bindings["query"],
  queryParams: Member,
  parameters: URLSearchParams,
): Record<string, unknown> {
  const claimed = new Set(query.map(([, name]) => name));
  const isListMap = elementOf(queryParams).shape.kind === "list";
  const result: Record<string, unknown> = {};
  for (const name of new Set(parameters.keys())) {
    if (claimed.has(name)) continue;
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
  const pattern = isHttpDate ? httpDateItem : listItem;
  const items: string[] = [];
  for (const [item] of text.matchAll(pattern)) {
    const trimmed = item.trim();
    if (trimmed === "") continue;
    items.push(trimmed.startsWith('"') ? unquote(trimmed) : trimmed);
  }
  return items;
}

const listItem = /\s*"(?:[^"\\]|\\.)*"\s*|[^,]+/g;
const httpDateItem = /[A-Za-z]{3},[^,]+|[^,]+/g;

function unquote(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, "$1");
}

function readText({ shape, traits }: Member, text: string, place: Place): unknown {
  // Header text with a media type travels as base64 (https://smithy.io/2.0/spec/http-bindings.html#httpheader-trait).
  const isEncoded = place === "header" && shape.kind === "string" && traits.mediaType !== undefined;
  return isEncoded ? decodeUtf8(decodeBase64(text)) : parseScalar(shape.kind, text);
}

type Place = "label" | "query" | "header";
