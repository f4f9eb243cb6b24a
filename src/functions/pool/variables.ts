import type { Credentials } from "./pool.ts";
import type { Revision } from "#functions/registry/registry.ts";

/**
 * The environment a function sees:
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 * Reserved variables cannot be set by the customer, the others can be overridden ("extendable").
 */
export function functionVariables(
  revision: Revision,
  credentials: Credentials,
  place: Place,
): Readonly<Record<string, string>> {
  return {
    ...extendable(revision, place),
    ...revision.environment,
    ...reserved(revision, credentials, place),
  };
}

/**
 * How an environment came to be: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 * (of its four values, SnapStart's does not occur here, and managed instances' follows from the revision).
 */
export type InitializationType = "on-demand" | "provisioned-concurrency";

/** What depends on where the function runs. */
export interface Place {
  readonly logStream: string;
  readonly initializationType: InitializationType;
  /** Loopback ports as the function sees them; without a network of its own they are not the usual ones. */
  readonly endpointPort: number;
  readonly proxyPort: number;
}

function extendable(revision: Revision, place: Place): Record<string, string> {
  const proxy = `http://127.0.0.1:${place.proxyPort}`;
  return {
    LANG: "en_US.UTF-8",
    PATH: "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    LD_LIBRARY_PATH:
      "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    TZ: ":UTC",
    AWS_XRAY_CONTEXT_MISSING: "LOG_ERROR",
    ...languagePaths(revision.runtime),
    // Not a variable of AWS's own environment: it brings every SDK to this platform without code changes.
    AWS_ENDPOINT_URL: `http://127.0.0.1:${place.endpointPort}`,
    ...(revision.egress === "internet" && {
      HTTP_PROXY: proxy,
      HTTPS_PROXY: proxy,
      http_proxy: proxy,
      https_proxy: proxy,
      NO_PROXY: "127.0.0.1,localhost,169.254.169.254",
      no_proxy: "127.0.0.1,localhost,169.254.169.254",
    }),
  };
}

function languagePaths(runtime: string): Record<string, string> {
  const node = /^nodejs(\d+)\.x$/.exec(runtime);
  if (node)
    return {
      NODE_PATH: `/opt/nodejs/node${node[1]}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task`,
    };
  return runtime.startsWith("python") ? { PYTHONPATH: "/var/runtime" } : {};
}

function reserved(
  revision: Revision,
  credentials: Credentials,
  place: Place,
): Record<string, string> {
  const { logging } = revision;
  return {
    _HANDLER: revision.handler,
    AWS_REGION: revision.region,
    AWS_DEFAULT_REGION: revision.region,
    // "This environment variable is not defined for OS-only runtimes" is said of the execution
    // environment's name too: custom runtimes set their own.
    ...(!revision.runtime.startsWith("provided") && {
      AWS_EXECUTION_ENV: `AWS_Lambda_${revision.runtime}`,
    }),
    AWS_LAMBDA_FUNCTION_NAME: revision.name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(revision.memoryMiB),
    AWS_LAMBDA_FUNCTION_VERSION: revision.version,
    AWS_LAMBDA_INITIALIZATION_TYPE: revision.capacity
      ? "lambda-managed-instances"
      : place.initializationType,
    // Where it is set, runtimes, SDKs and Powertools know that several invocations share the process
    // (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-runtimes.html).
    ...(revision.capacity && {
      AWS_LAMBDA_MAX_CONCURRENCY: String(revision.capacity.concurrency),
    }),
    AWS_LAMBDA_LOG_GROUP_NAME: logging.group,
    AWS_LAMBDA_LOG_STREAM_NAME: place.logStream,
    AWS_LAMBDA_LOG_FORMAT: logging.format,
    ...(logging.format === "JSON" && { AWS_LAMBDA_LOG_LEVEL: logging.applicationLevel ?? "INFO" }),
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    LAMBDA_TASK_ROOT: "/var/task",
    LAMBDA_RUNTIME_DIR: "/var/runtime",
  };
}
