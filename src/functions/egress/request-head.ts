import { isIP } from "node:net";

/** What a client of the proxy asks for. */
export type ProxyRequest =
  | { readonly kind: "tunnel"; readonly host: string; readonly port: number }
  /** `head` is the request as the origin shall see it: path instead of URL, hop-by-hop fields gone. */
  | {
      readonly kind: "forward";
      readonly host: string;
      readonly port: number;
      readonly head: string;
    };

const tokenForm = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "te",
  "upgrade",
]);

/**
 * Reads a request head (RFC 9112; CONNECT in RFC 9110, 9.3.6), the empty line excluded. Undefined for
 * anything malformed: what two parsers could read in two ways is not passed on. One request per
 * connection: the forwarded head says `Connection: close`.
 */
export function readRequestHead(text: string): ProxyRequest | undefined {
  const lines = text.split("\r\n");
  const [method = "", target = "", version = "", ...more] = (lines[0] ?? "").split(" ");
  if (more.length > 0 || !tokenForm.test(method) || !/^HTTP\/1\.[01]$/.test(version))
    return undefined;
  const fields = readFields(lines.slice(1));
  if (fields === undefined) return undefined;
  if (method === "CONNECT") return tunnel(target);
  return forwardRequest({ method, target, version }, fields);
}

type Field = readonly [name: string, value: string];

function readFields(lines: readonly string[]): readonly Field[] | undefined {
  const fields: Field[] = [];
  for (const line of lines) {
    const at = line.indexOf(":");
    const name = line.slice(0, at);
    const value = line.slice(at + 1).trim();
    // eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
    if (at < 1 || !tokenForm.test(name) || /[\0-\x08\x0a-\x1f\x7f]/.test(value)) return undefined;
    fields.push([name, value]);
  }
  return fields;
}

function tunnel(target: string): ProxyRequest | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]/@?#]+):(\d{1,5})$/.exec(target);
  const port = Number(match?.[2]);
  const host = match?.[1]?.replace(/^\[|\]$/g, "");
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return { kind: "tunnel", host, port };
}

function forwardRequest(
  line: { readonly method: string; readonly target: string; readonly version: string },
  fields: readonly Field[],
): ProxyRequest | undefined {
  const url = URL.parse(line.target);
  if (url?.protocol !== "http:" || url.username !== "" || url.password !== "") return undefined;
  const named = (name: string): readonly Field[] =>
    fields.filter((field) => field[0].toLowerCase() === name);
  const lengths = named("content-length");
  const codings = named("transfer-encoding");
  if (lengths.length + codings.length > 1) return undefined;
  if (lengths.some((field) => !/^\d+$/.test(field[1]))) return undefined;
  if (codings.some((field) => field[1].toLowerCase() !== "chunked")) return undefined;
  const listed = named("connection").flatMap((field) => field[1].toLowerCase().split(/\s*,\s*/));
  const dropped = new Set([...hopByHop, ...listed, "host"]);
  // What frames the body must survive whatever the Connection field claims.
  for (const name of ["content-length", "transfer-encoding"]) dropped.delete(name);
  const kept = fields.filter((field) => !dropped.has(field[0].toLowerCase()));
  const head = [
    `${line.method} ${url.pathname}${url.search} ${line.version}`,
    `Host: ${url.host}`,
    ...kept.map(([name, value]) => `${name}: ${value}`),
    "Connection: close",
  ];
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? 80 : Number(url.port);
  return { kind: "forward", host, port, head: `${head.join("\r\n")}\r\n\r\n` };
}

/** Names that mean this host whatever a resolver says (RFC 6761), and numbers in odd notations. */
export function isLocalName(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (isIP(name) !== 0) return false;
  return (
    name === "localhost" || /\.(?:localhost|local|internal)$/.test(name) || !name.includes(".")
  );
}
