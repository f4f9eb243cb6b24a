import { ports, telemetryBuffering } from "../limits.ts";
import type { TelemetryDestination } from "./supervisor.ts";

/** Which streams of telemetry an extension wants, where to and in which form. */
export interface Subscription {
  readonly api: SubscriptionApi;
  readonly schemaVersion: string;
  readonly types: readonly TelemetryType[];
  readonly destination: TelemetryDestination;
  readonly buffering: {
    readonly maxItems: number;
    readonly maxBytes: number;
    readonly timeoutMs: number;
  };
}

/**
 * Telemetry API: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html
 * Logs API, its predecessor: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html
 */
export type SubscriptionApi = "telemetry" | "logs";
export type TelemetryType = "platform" | "function" | "extension";

const schemaVersions: Readonly<Record<SubscriptionApi, readonly string[]>> = {
  telemetry: ["2022-07-01", "2022-12-13", "2025-01-29"],
  logs: ["2020-08-15", "2021-03-18"],
};
const types: readonly TelemetryType[] = ["platform", "function", "extension"];
/** Names of the sandbox itself; there is nowhere else to deliver to. */
const hosts = ["sandbox", "sandbox.localdomain", "localhost", "127.0.0.1"];

/** Reads the body of a subscription; a string says what is wrong with it. Undefined is one too large to be read. */
export function parseSubscription(
  api: SubscriptionApi,
  body: string | undefined,
  endpointPort: number,
): Subscription | string {
  if (body === undefined) return "the body is too large";
  const parsed = parseObject(body);
  if (!parsed) return "the body is no JSON object";
  const { schemaVersion = api === "logs" ? "2020-08-15" : undefined } = parsed;
  const known = schemaVersions[api];
  if (typeof schemaVersion !== "string" || !known.includes(schemaVersion)) {
    return `schemaVersion must be one of ${known.join(", ")}`;
  }
  const wanted: unknown = parsed["types"];
  if (!Array.isArray(wanted) || wanted.length === 0) return "types must name at least one stream";
  const chosen = types.filter((type) => wanted.includes(type));
  if (wanted.some((type) => !types.includes(type as TelemetryType))) {
    return `types may only hold ${types.join(", ")}`; // whatever it holds is only compared
  }
  const buffering = parseBuffering(parsed["buffering"]);
  if (typeof buffering === "string") return buffering;
  const destination = parseDestination(api, parsed["destination"], endpointPort);
  if (typeof destination === "string") return destination;
  return { api, schemaVersion, types: chosen, destination, buffering };
}

function parseBuffering(value: unknown): Subscription["buffering"] | string {
  const given = value === undefined ? {} : asObject(value);
  if (!given) return "buffering must be an object";
  const read = (name: keyof typeof telemetryBuffering): number | string => {
    const { min, max, fallback } = telemetryBuffering[name];
    const number = given[name] ?? fallback;
    const isFine = typeof number === "number" && Number.isInteger(number);
    if (!isFine || number < min || number > max) {
      return `buffering.${name} must be an integer from ${min} to ${max}`;
    }
    return number;
  };
  const maxItems = read("maxItems");
  const maxBytes = read("maxBytes");
  const timeoutMs = read("timeoutMs");
  if (typeof maxItems === "string") return maxItems;
  if (typeof maxBytes === "string") return maxBytes;
  if (typeof timeoutMs === "string") return timeoutMs;
  return { maxItems, maxBytes, timeoutMs };
}

function parseDestination(
  api: SubscriptionApi,
  value: unknown,
  endpointPort: number,
): TelemetryDestination | string {
  const given = asObject(value);
  if (!given) return "destination must be an object";
  if (given["protocol"] === "TCP") {
    const port = given["port"];
    if (!isFreePort(port, endpointPort))
      return "destination.port must be a free port of the sandbox";
    return { protocol: "TCP", port };
  }
  if (given["protocol"] !== "HTTP") return "destination.protocol must be HTTP or TCP";
  const uri = given["URI"];
  const url = typeof uri === "string" && URL.canParse(uri) ? new URL(uri) : undefined;
  if (url?.protocol !== "http:" || !hosts.includes(url.hostname)) {
    return "destination.URI must be like http://sandbox.localdomain:8080";
  }
  const port = url.port === "" ? 80 : Number(url.port);
  if (!isFreePort(port, endpointPort))
    return "destination.URI must name a free port of the sandbox";
  const method = given["method"] ?? "POST";
  if (method !== "POST" && (method !== "PUT" || api !== "logs")) {
    return "destination.method must be POST (or PUT, for logs)";
  }
  const encoding = given["encoding"] ?? "JSON";
  if (encoding !== "JSON") return "destination.encoding must be JSON";
  return { protocol: "HTTP", port, path: `${url.pathname}${url.search}`, method };
}

/** "Port 9001 is reserved": there, as here, is the Runtime API. */
function isFreePort(value: unknown, endpointPort: number): value is number {
  const reserved: readonly unknown[] = [...Object.values(ports), endpointPort];
  return (
    typeof value === "number" &&
    Number.isInteger(value) &&
    value > 0 &&
    value < 65_536 &&
    !reserved.includes(value)
  );
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Readonly<Record<string, unknown>>) : undefined; // fields are looked at one by one
}
