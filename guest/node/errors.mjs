/**
 * Errors in the form AWS's Node runtime reports them (aws-lambda-nodejs-runtime-interface-client,
 * src/utils/errors.ts and src/Errors.js, read in November 2026).
 */
export function runtimeError(name, message, stack) {
  const error = new Error(message);
  error.name = `Runtime.${name}`;
  if (stack !== undefined) error.stack = stack;
  else error.stack = error.stack?.replace(/^Error/, error.name);
  return error;
}

/** What the caller sees: `{ errorType, errorMessage, trace }`. */
export function describe(error) {
  try {
    if (isErrorLike(error)) {
      return {
        errorType: escape(error.name),
        errorMessage: escape(error.message),
        trace: escape(String(error.stack)).split("\n"),
      };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return {
      errorType: "handled",
      errorMessage:
        "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack",
      trace: [],
    };
  }
}

/** The form in which an error is logged as text: a tab, then JSON with its own properties. */
export function toLogText(error) {
  try {
    return `\t${JSON.stringify(error, (_key, value) => withProperties(value))}`;
  } catch {
    return `\t${JSON.stringify(describe(error))}`;
  }
}

export function intoError(value) {
  return value instanceof Error ? value : new Error(String(value));
}

function isErrorLike(value) {
  if (value instanceof Error) return true;
  // Errors of another realm (node:vm) are errors too.
  return (
    typeof value === "object" &&
    value !== null &&
    [value.name, value.message, value.stack].every((text) => typeof text === "string" && text)
  );
}

function escape(text) {
  return String(text).replaceAll("\x7F", "%7F");
}

function withProperties(value) {
  if (!(value instanceof Error)) return value;
  const { name, message, code } = value;
  const own = Object.assign({ errorType: name, errorMessage: message, code }, value);
  if (typeof value.stack === "string") own.stack = value.stack.split("\n");
  return own;
}
