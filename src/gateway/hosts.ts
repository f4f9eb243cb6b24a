import { rememberedHostsMax } from "./limits.ts";

/**
 * Which names a request may use for us, and which web pages may call. A page from anywhere can make
 * a browser send requests to this machine, and a name anybody registered can be made to point at it
 * (DNS rebinding), so neither "it came from localhost" nor "it asked for us" proves anything.
 */
export interface Callers {
  /** Names besides the built-in ones; `*.example.test` allows every name below. */
  readonly hosts: readonly string[];
  /** Exact origins, e.g. `https://app.example.test`. */
  readonly origins: readonly string[];
}

/** Name and port apart, lower case; undefined when it is not a Host at all. */
function parseHost(text: string): { readonly name: string; readonly port: string } | undefined {
  const found = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?$/i.exec(text);
  if (!found) return undefined;
  return { name: (found[1] ?? "").toLowerCase().replace(/\.$/, ""), port: found[2] ?? "" };
}

const builtIn = [
  "localhost",
  "*.localhost",
  "127.0.0.1",
  "[::1]",
  "localhost.localstack.cloud",
  "*.localhost.localstack.cloud",
];

/** The name or the longest pattern under which a request may use this name. */
function allowedAs(name: string, callers: Callers): string | undefined {
  return [...builtIn, ...callers.hosts]
    .map((allowed) => allowed.toLowerCase())
    .filter((pattern) =>
      pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) : name === pattern,
    )
    .toSorted((a, b) => b.length - a.length)[0];
}

/** How a browser describes the page behind a request; absent headers mean it is no browser. */
export interface PageMarks {
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`: sent also where `Origin` is not (images, links, forms with GET). */
  readonly site: string | undefined;
  /** Host the request was sent to, with its port. */
  readonly host: string;
}

/** `own`: no page, or one we served ourselves; `configured`: answer it with CORS headers. */
export function judgePage(marks: PageMarks, callers: Callers): "own" | "configured" | "foreign" {
  const { origin, site } = marks;
  if (origin === undefined) {
    return site === undefined || site === "same-origin" || site === "none" ? "own" : "foreign";
  }
  if (callers.origins.includes(origin)) return "configured";
  return origin === `http://${marks.host.toLowerCase()}` ? "own" : "foreign";
}

/** Which function URL a host name means. */
export interface FunctionUrlHost {
  readonly urlId: string;
  readonly region: string;
}

/** `<id>.lambda-url.<region>.<any allowed suffix>` */
export function readFunctionUrlHost(name: string): FunctionUrlHost | undefined {
  const found =
    /^([a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?)\.lambda-url\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(name);
  return found ? { urlId: found[1] ?? "", region: found[2] ?? "" } : undefined;
}

/**
 * `/_skerry/url/<id>/…` for clients that cannot resolve names below localhost; a function outside
 * the default region is `/_skerry/url/<region>/<id>/…`.
 */
export function readFunctionUrlPath(
  path: string,
):
  | { readonly urlId: string; readonly region: string | undefined; readonly rest: string }
  | undefined {
  const found =
    /^\/_skerry\/url\/(?:([a-z]{2}(?:-[a-z]+)+-\d)\/)?([a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?)(\/.*)?$/.exec(
      path,
    );
  if (!found) return undefined;
  return { urlId: found[2] ?? "", region: found[1], rest: found[3] ?? "/" };
}

/** What a Host header means here. */
export interface HostEntry {
  /** Without the port, lower case. */
  readonly name: string;
  readonly port: string;
  readonly isAllowed: boolean;
  /** What stands in front of one of our names: `bucket.s3` of `bucket.s3.localhost`. */
  readonly below: string | undefined;
  readonly functionUrl: FunctionUrlHost | undefined;
}

/** Reads Host headers; the few that come again and again are read once. */
export class HostBook {
  readonly #callers: Callers;
  readonly #entries = new Map<string, HostEntry>();

  constructor(callers: Callers) {
    this.#callers = callers;
  }

  /** Undefined when the text is no host name with an optional port. */
  read(text: string): HostEntry | undefined {
    const known = this.#entries.get(text);
    if (known) return known;
    const parsed = parseHost(text);
    if (!parsed) return undefined;
    const pattern = allowedAs(parsed.name, this.#callers);
    const entry = {
      ...parsed,
      isAllowed: pattern !== undefined,
      below: pattern?.startsWith("*.") ? parsed.name.slice(0, 1 - pattern.length) : undefined,
      functionUrl: readFunctionUrlHost(parsed.name),
    };
    if (this.#entries.size >= rememberedHostsMax) this.#entries.clear();
    this.#entries.set(text, entry);
    return entry;
  }
}
