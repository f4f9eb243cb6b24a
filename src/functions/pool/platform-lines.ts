import type { Revision } from "#functions/registry/registry.ts";
import type { ExtensionRecord } from "#functions/runtimes/runtimes.ts";
import {
  initReportRecord,
  initStartRecord,
  reportRecord,
  runtimeVersion,
} from "./platform-records.ts";
import type { InitReport } from "./platform-records.ts";
import type { InvocationReport } from "./pool.ts";

/**
 * The lines the platform itself writes into a function's log, in the two formats of AWS:
 * text (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html) and JSON
 * (https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html).
 */
export interface PlatformLines {
  initStart(): string | undefined;
  /** After an init that failed; a good one is told by the REPORT of its first invocation. */
  initReport(report: InitReport): string | undefined;
  /** At the end of init, once per extension. */
  extension(record: ExtensionRecord): string | undefined;
  start(requestId: string, version: string): string | undefined;
  /** What went wrong, when the function could not say so itself; before END. */
  failure(report: InvocationReport, exit: string | undefined): string | undefined;
  end(requestId: string): string | undefined;
  report(report: InvocationReport): string | undefined;
}

export function platformLines(revision: Revision, nowMs: () => number): PlatformLines {
  return revision.logging.format === "JSON"
    ? jsonLines(revision, nowMs)
    : textLines(revision, nowMs);
}

function textLines(revision: Revision, nowMs: () => number): PlatformLines {
  return {
    initStart: () => {
      const { name, arn } = runtimeVersion(revision);
      return `INIT_START Runtime Version: ${name}\tRuntime Version ARN: ${arn}\n`;
    },
    initReport: ({ initMs, phase, status, errorType }) =>
      `INIT_REPORT Init Duration: ${initMs.toFixed(2)} ms\tPhase: ${phase}\tStatus: ${status}${typeField(errorType)}\n`,
    extension: ({ name, state, events, errorType }) =>
      `EXTENSION\tName: ${name}\tState: ${state}\tEvents: [${events.join(", ")}]${typeField(errorType)}\n`,
    start: (requestId, version) => `START RequestId: ${requestId} Version: ${version}\n`,
    failure(report, exit) {
      const { requestId } = report;
      if (report.status === "timeout")
        return `${new Date(nowMs()).toISOString()} ${requestId} Task timed out after ${seconds(report.durationMs)} seconds\n`;
      if (exit === undefined) return undefined;
      return `RequestId: ${requestId} Error: ${exit}\nRuntime.ExitError\n`;
    },
    end: (requestId) => `END RequestId: ${requestId}\n`,
    report: (report) => textReport(report),
  };
}

function textReport(report: InvocationReport): string {
  const { requestId, durationMs, billedMs, memoryMiB, memoryPeakMiB, initMs, traceId } = report;
  const init = initMs === undefined ? "" : `\tInit Duration: ${initMs.toFixed(2)} ms`;
  const trace = traceId === undefined ? "" : `\nXRAY TraceId: ${traceId}\tSampled: true\t`;
  return `REPORT RequestId: ${requestId}\tDuration: ${durationMs.toFixed(2)} ms\tBilled Duration: ${billedMs} ms\tMemory Size: ${memoryMiB} MB\tMax Memory Used: ${memoryPeakMiB} MB${init}${failureFields(report)}\t${trace}\n`;
}

/** An error the handler returned is no failure of the invocation in the text REPORT; AWS names only its own. */
function failureFields({ status, errorType }: InvocationReport): string {
  if (status === "timeout") return "\tStatus: timeout";
  if (status !== "error" || !isPlatformErrorType(errorType)) return "";
  return `\tStatus: error\tError Type: ${errorType}`;
}

function isPlatformErrorType(errorType: string | undefined): boolean {
  return errorType !== undefined && /^(Runtime|Function|Sandbox|Extension)\./.test(errorType);
}

function typeField(errorType: string | undefined): string {
  return errorType === undefined ? "" : `\tError Type: ${errorType}`;
}

const levels = ["DEBUG", "INFO", "WARN"] as const;
type Level = (typeof levels)[number];

function jsonLines(revision: Revision, nowMs: () => number): PlatformLines {
  const shown = levels.indexOf((revision.logging.systemLevel ?? "INFO") as Level); // validated at deploy
  const line = (level: Level, type: string, record: object): string | undefined =>
    levels.indexOf(level) < shown
      ? undefined
      : `${JSON.stringify({ time: new Date(nowMs()).toISOString(), type: `platform.${type}`, record })}\n`;
  return {
    initStart: () => line("INFO", "initStart", initStartRecord(revision)),
    initReport: (report) => line("WARN", "initReport", initReportRecord(report)),
    extension: (record) => line("INFO", "extension", record),
    start: (requestId, version) => line("INFO", "start", { requestId, version }),
    failure: () => undefined, // told by the report's status and error type
    end: () => undefined, // the JSON format has no END; `runtimeDone` is its DEBUG cousin
    report: (report) =>
      line(report.status === "ok" ? "INFO" : "WARN", "report", reportRecord(report)),
  };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

const words = "START|END|REPORT|EXTENSION|INIT_START|INIT_REPORT|RESTORE_START|RESTORE_REPORT|XRAY";
/** What shows nothing of itself: blanks, controls, format characters, and a terminal's escape sequences. */
const unseen = String.raw`(?:\x1b\[[0-9;?]*[ -/]*[@-~]|[\s\p{Cc}\p{Cf}\p{Z}])*`;
const forgedText = new RegExp(`^(${unseen})((?:${words})\\b)`, "u");
const forgedTimeout = /\bTask timed out after \d/;
const forgedJson = /"type"\s*:\s*"platform\./;
/** Cheap, and false for nearly every line. */
const suspicious = /START|END|REPORT|EXTENSION|XRAY|Task timed out|"type"|\\u00/;
/** Ends of lines that are none in a log, but are for some who read it. */
const otherLineEnds = /([\r\v\f\x85\u2028\u2029])/;

/**
 * A line a function printed that reads like one of the platform's gets a mark, so that whoever parses
 * the log (or bills by it) can trust what has none. Linear in the line, whatever it consists of.
 */
export function disarm(line: string): string {
  if (!suspicious.test(line)) return line;
  return line.split(otherLineEnds).map(disarmPart).join("");
}

const mark = "[function] ";

function disarmPart(part: string): string {
  const found = forgedText.exec(part);
  // Right before the word: an escape sequence in front of it may have erased the beginning of the line.
  if (found) return `${found[1]}${mark}${part.slice(found[1]?.length)}`;
  const isForged = forgedTimeout.test(part) || forgedJson.test(unescaped(part));
  return isForged ? `${mark}${part}` : part;
}

/** JSON may spell any letter as `\u00xx`. */
function unescaped(text: string): string {
  if (!text.includes("\\u00")) return text;
  return text.replaceAll(/\\u00([0-7][0-9a-f])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
