import { format } from "node:util";
import { intoError, toLogText } from "./errors.mjs";

/**
 * `console` in the formats of Lambda: tab separated text, or JSON with AWS_LAMBDA_LOG_FORMAT=JSON
 * (Lambda developer guide, "Log and monitor Node.js Lambda functions"). One call is one line; a line
 * break inside becomes a carriage return, as AWS's runtime writes where it has no telemetry pipe.
 */
const levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

export function patchConsole(currentInvocation) {
  const isJson = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";
  const lowest = Math.max(0, levels.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()));
  const write = isJson ? jsonLine : textLine;

  const method = (level) => {
    if (levels.indexOf(level) < lowest) return () => {};
    return (...values) => {
      const time = new Date().toISOString();
      const line = write(time, currentInvocation.requestId, level, values);
      process.stdout.write(`${line.replaceAll("\n", "\r")}\n`);
    };
  };
  console.trace = method("TRACE");
  console.debug = method("DEBUG");
  console.info = method("INFO");
  console.log = console.info;
  console.warn = method("WARN");
  console.error = method("ERROR");
  console.fatal = method("FATAL");

  /** Logs a failure of the customer's code the way AWS's runtime does. */
  return function logError(title, error) {
    if (isJson) console.error(intoError(error));
    else console.error(title, toLogText(intoError(error)));
  };
}

function textLine(time, requestId, level, values) {
  return `${time}\t${requestId}\t${level}\t${format(...values)}`;
}

function jsonLine(time, requestId, level, values) {
  const record = { timestamp: time, level, requestId };
  if (values.length === 1) {
    record.message = values[0];
    try {
      return JSON.stringify(record, expandError);
    } catch {
      record.message = format(values[0]);
      return JSON.stringify(record);
    }
  }
  record.message = format(...values);
  const error = values.find((value) => value instanceof Error);
  if (error) Object.assign(record, describeForLog(error));
  return JSON.stringify(record);
}

function expandError(_key, value) {
  return value instanceof Error ? Object.assign(describeForLog(value), value) : value;
}

function describeForLog(error) {
  return {
    errorType: error.constructor?.name ?? "UnknownError",
    errorMessage: error.message,
    stackTrace: typeof error.stack === "string" ? error.stack.split("\n") : [],
  };
}
