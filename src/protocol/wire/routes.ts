import type { StaticOperationSchema } from "@smithy/types";
import { operationShape } from "./shapes.ts";
import type { Member } from "./shapes.ts";

/**
 * A service's REST routes, compiled from the `http` traits. Matching: method, path (literal before
 * label before greedy label), query literals; among several, the one whose required query and header
 * members are there (S3 tells `UploadPart` from `PutObject` by nothing else).
 */
export interface RouteTable {
  match(request: RoutableRequest): RouteMatch | undefined;
}

interface RoutableRequest {
  readonly method: string;
  readonly path: string;
  readonly rawQuery: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface RouteMatch {
  readonly operationName: string;
  /** Still percent-encoded. */
  readonly labels: Readonly<Record<string, string>>;
}

interface Route {
  readonly operationName: string;
  readonly method: string;
  readonly segments: readonly Segment[];
  readonly isGreedy: boolean;
  /** `?list-type=2`: the value must be there; `?acl`: the name. */
  readonly literals: readonly (readonly [name: string, value: string])[];
  readonly requiredQuery: readonly string[];
  readonly requiredHeaders: readonly string[];
  /** Sorts the more specific first. */
  readonly rank: string;
}

type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "label"; readonly name: string }
  | { readonly kind: "greedy"; readonly name: string };

export function compileRoutes(schemas: Iterable<StaticOperationSchema>): RouteTable {
  const exact = new Map<string, Route[]>();
  const greedy: Route[] = [];
  for (const schema of schemas) {
    const route = compileRoute(schema);
    if (!route) continue;
    if (route.isGreedy) {
      greedy.push(route);
      continue;
    }
    const key = `${route.method} ${route.segments.length}`;
    exact.set(key, [...(exact.get(key) ?? []), route]);
  }
  for (const routes of [...exact.values(), greedy]) {
    routes.sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
  }
  return {
    match(request) {
      const parts = request.path.split("/").slice(1);
      const found = find(parts, request, exact.get(`${request.method} ${parts.length}`) ?? []);
      if (found) return found;
      const inGreedy = find(parts, request, greedy);
      if (inGreedy || parts.at(-1) !== "" || parts.length === 1) return inGreedy;
      // Older SDKs end some paths with a slash that the model does not have.
      const shorter = parts.slice(0, -1);
      return find(shorter, request, exact.get(`${request.method} ${shorter.length}`) ?? []);
    },
  };
}

function compileRoute(schema: StaticOperationSchema): Route | undefined {
  const { name, traits, input } = operationShape(schema);
  if (!traits.http) return undefined;
  const [method, uri] = traits.http;
  const [path = "/", query] = uri.split("?");
  const segments = path === "/" ? [] : path.slice(1).split("/").map(segmentOf);
  // S3 puts the bucket into the path by endpoint rules, so its label is in no template.
  const named = new Set(segments.map((segment) => segment.kind !== "literal" && segment.name));
  const outside = input.members.filter(
    ({ name, traits }) => traits.httpLabel && !traits.hostLabel && !named.has(name),
  );
  const all: Segment[] = [
    ...outside.map(({ name }) => ({ kind: "label" as const, name })),
    ...segments,
  ];
  const required = input.members.filter((member) => member.isRequired);
  return {
    operationName: name,
    method,
    segments: all.length === 0 ? [{ kind: "literal", text: "" }] : all,
    isGreedy: all.some((segment) => segment.kind === "greedy"),
    literals: query === undefined ? [] : literalsOf(query),
    requiredQuery: traitNames(required, "httpQuery"),
    requiredHeaders: traitNames(required, "httpHeader").map((header) => header.toLowerCase()),
    rank: all.map(({ kind }) => ({ literal: 0, label: 1, greedy: 2 })[kind]).join("") + "3",
  };
}

function traitNames(members: readonly Member[], trait: "httpQuery" | "httpHeader"): string[] {
  return members.flatMap(({ traits }) => traits[trait] ?? []);
}

function segmentOf(text: string): Segment {
  if (!text.startsWith("{")) return { kind: "literal", text };
  return text.endsWith("+}")
    ? { kind: "greedy", name: text.slice(1, -2) }
    : { kind: "label", name: text.slice(1, -1) };
}

/** `x-id` only names the operation for logs; boto3 does not send it. */
function literalsOf(query: string): [name: string, value: string][] {
  return [...new URLSearchParams(query)].filter(([name]) => name !== "x-id");
}

function find(
  parts: readonly string[],
  request: RoutableRequest,
  routes: readonly Route[],
): RouteMatch | undefined {
  let query: URLSearchParams | undefined;
  let best: { route: Route; labels: Record<string, string>; score: Score } | undefined;
  for (const route of routes) {
    if (best && route.rank !== best.route.rank) break;
    if (route.method !== request.method) continue;
    const labels = matchPath(parts, route.segments);
    if (!labels) continue;
    query ??= new URLSearchParams(request.rawQuery);
    const score = scoreOf(route, query, request.headers);
    if (score && (!best || isBetter(score, best.score))) best = { route, labels, score };
  }
  return best && { operationName: best.route.operationName, labels: best.labels };
}

interface Score {
  readonly missing: number;
  readonly literals: number;
  readonly required: number;
}

/** Undefined when a query literal is not there. */
function scoreOf(
  route: Route,
  query: URLSearchParams,
  headers: Readonly<Record<string, string>>,
): Score | undefined {
  for (const [name, value] of route.literals) {
    const isThere = value === "" ? query.has(name) : query.get(name) === value;
    if (!isThere) return undefined;
  }
  const missing =
    route.requiredQuery.filter((name) => !query.has(name)).length +
    route.requiredHeaders.filter((name) => headers[name] === undefined).length;
  const required = route.requiredQuery.length + route.requiredHeaders.length;
  return { missing, literals: route.literals.length, required };
}

/** More literals, then fewer missing members, then more members that are there. */
function isBetter(a: Score, b: Score): boolean {
  if (a.literals !== b.literals) return a.literals > b.literals;
  if (a.missing !== b.missing) return a.missing < b.missing;
  return a.required > b.required;
}

function matchPath(
  parts: readonly string[],
  segments: readonly Segment[],
): Record<string, string> | undefined {
  const greedyAt = segments.findIndex(({ kind }) => kind === "greedy");
  const extra = parts.length - segments.length;
  if (greedyAt < 0 ? extra !== 0 : extra < 0) return undefined;
  const labels: Record<string, string> = {};
  let at = 0;
  for (const segment of segments) {
    const width = segment.kind === "greedy" ? extra + 1 : 1;
    const text = parts.slice(at, at + width).join("/");
    at += width;
    if (segment.kind === "literal") {
      if (text !== segment.text) return undefined;
    } else {
      if (text === "") return undefined;
      labels[segment.name] = text;
    }
  }
  return labels;
}
