import { invalid } from "./errors.ts";

/**
 * Runtimes the service has, whether or not this machine hosts them.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html (seen 2026-11)
 */
const current = [
  "dotnet10",
  "dotnet8",
  "java11",
  "java17",
  "java21",
  "java25",
  "java8.al2",
  "nodejs20.x",
  "nodejs22.x",
  "nodejs24.x",
  "provided.al2",
  "provided.al2023",
  "python3.10",
  "python3.11",
  "python3.12",
  "python3.13",
  "python3.14",
  "ruby3.2",
  "ruby3.3",
  "ruby3.4",
  "ruby4.0",
] as const;

/** Still in the model, no longer accepted for new functions: the same page, "deprecated runtimes". */
const deprecated = new Set([
  "dotnet6",
  "dotnetcore1.0",
  "dotnetcore2.0",
  "dotnetcore2.1",
  "dotnetcore3.1",
  "go1.x",
  "java8",
  "nodejs",
  "nodejs10.x",
  "nodejs12.x",
  "nodejs14.x",
  "nodejs16.x",
  "nodejs18.x",
  "nodejs4.3",
  "nodejs4.3-edge",
  "nodejs6.10",
  "nodejs8.10",
  "provided",
  "python2.7",
  "python3.6",
  "python3.7",
  "python3.8",
  "python3.9",
  "ruby2.5",
  "ruby2.7",
]);

/** Refuses, in the service's words, a runtime that cannot be used; `hosted` are ours. */
export function checkRuntimeName(runtime: string, hosted: ReadonlySet<string>): void {
  if (hosted.has(runtime)) return;
  if (deprecated.has(runtime)) throw invalid(deprecatedMessage(runtime, hosted));
  if (current.some((name) => name === runtime)) {
    throw invalid(
      `Runtime ${runtime} is not supported by Skerry: hosted runtimes are ` +
        `[${[...hosted].toSorted().join(", ")}]`,
    );
  }
  throw invalid(
    `Value ${runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value ` +
      `set: [${[...hosted].toSorted().join(", ")}] or be a valid ARN`,
  );
}

/** For layers, which may name runtimes this machine does not host. */
export function isRuntimeName(runtime: string, hosted: ReadonlySet<string>): boolean {
  return hosted.has(runtime) || deprecated.has(runtime) || current.some((name) => name === runtime);
}

function deprecatedMessage(runtime: string, hosted: ReadonlySet<string>): string {
  const family = runtime.replace(/[\d.].*$/, "");
  const newest = [...hosted]
    .filter((name) => name.startsWith(family))
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .at(-1);
  return (
    `The runtime parameter of ${runtime} is no longer supported for creating or updating AWS ` +
    `Lambda functions. We recommend you use ${newest ? `the new runtime (${newest})` : "a supported runtime"} ` +
    "while creating or updating functions."
  );
}
