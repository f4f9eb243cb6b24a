import { AuthenticationError } from "#protocol/auth/auth.ts";
import type { RefusalDialect } from "#protocol/auth/auth.ts";
import type { Service, WireProtocolId } from "#protocol/service/service.ts";
import type { WireError, WireRequest } from "#protocol/wire/wire.ts";

const dialects: Readonly<Record<WireProtocolId, RefusalDialect>> = {
  restJson1: "rest-json",
  awsJson1_0: "json",
  awsJson1_1: "json",
  rpcV2Cbor: "json",
  restXml: "query",
  awsQuery: "query",
};

/** How a service speaking `protocol` words its refusals. */
export function refusalDialect(protocol: WireProtocolId, signingName: string): RefusalDialect {
  return protocol === "restXml" && signingName === "s3" ? "s3" : dialects[protocol];
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html (form of the message) */
export function accessDenied(
  dialect: RefusalDialect,
  denial: { readonly principalArn: string; readonly action: string; readonly reason: string },
): AuthenticationError {
  const isShort = dialect === "s3" || dialect === "query";
  return new AuthenticationError(
    isShort ? "AccessDenied" : "AccessDeniedException",
    `User: ${denial.principalArn} is not authorized to perform: ${denial.action} ${denial.reason}`.trim(),
    dialect === "json" ? 400 : 403,
  );
}

/** Stands in for a service we lack, so that its error is written in the language its client reads. */
export function absentService(name: string, request: WireRequest): Service {
  const label = name.replaceAll(/[^\w .-]/g, "?").slice(0, 64);
  return {
    description: {
      sdkId: label,
      signingName: label,
      endpointPrefix: label,
      protocols: [guessProtocol(name, request)],
      apiVersion: "",
    },
    operations: new Map(),
  };
}

function guessProtocol(name: string, request: WireRequest): WireProtocolId {
  const contentType = request.headers["content-type"] ?? "";
  if (request.headers["smithy-protocol"] === "rpc-v2-cbor") return "rpcV2Cbor";
  if (request.headers["x-amz-target"] !== undefined) {
    return contentType.includes("json-1.0") ? "awsJson1_0" : "awsJson1_1";
  }
  if (contentType.startsWith("application/x-www-form-urlencoded")) return "awsQuery";
  return xmlServices.has(name) ? "restXml" : "restJson1";
}

/** Signing names of the services whose errors are XML although nothing in a request says so. */
const xmlServices = new Set(["s3", "cloudfront", "route53", "s3control"]);

export function absentServiceError(name: string, served: readonly string[]): WireError {
  return {
    name: "NotImplemented",
    message: `The service '${name}' is not implemented by this server; it serves ${served.join(", ")}`,
    status: 501,
    fault: "server",
    modelled: undefined,
  };
}
