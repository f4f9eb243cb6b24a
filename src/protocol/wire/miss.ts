import { unreachable } from "#base/assert.ts";
import type { Service } from "#protocol/service/service.ts";
import { toWireError } from "./errors.ts";
import { compileRoutes } from "./routes.ts";
import type { RouteTable } from "./routes.ts";
import { isOperationSchema } from "./shapes.ts";
import type { MatchableRequest, OperationMatch, WireError, WireProtocol } from "./wire.ts";

/** What a service's model knows beyond its table. */
interface Model {
  readonly operationNames: ReadonlySet<string>;
  readonly routes: RouteTable;
}

const models = new WeakMap<Service, Promise<Model>>();

/**
 * The error for a request that matched no row of the table: an operation we lack (501, named) or one
 * nobody knows, in the protocol's own words. Loads the service's `model` once, after the first miss.
 */
export async function explainMiss(
  protocol: WireProtocol,
  request: MatchableRequest,
  { service, match }: { readonly service: Service; readonly match: OperationMatch | undefined },
): Promise<WireError> {
  if (protocol.id === "awsQuery" && request.formError) return toWireError(request.formError);
  let loading = models.get(service);
  if (!loading) {
    loading = loadModel(service);
    models.set(service, loading);
  }
  const { operationNames, routes } = await loading;
  const isRest = protocol.id === "restJson1" || protocol.id === "restXml";
  const name = isRest ? routes.match(request)?.operationName : match?.operationName;
  if (name !== undefined && (isRest || operationNames.has(name))) {
    return notImplemented(protocol, service, name);
  }
  return unknownOperation(protocol, request, { service, name: match?.operationName });
}

async function loadModel(service: Service): Promise<Model> {
  const { model, operationNames = [] } = service.description;
  const schemas = model ? Object.values(await model()).filter(isOperationSchema) : [];
  return {
    operationNames: new Set([...operationNames, ...schemas.map(([, , name]) => name)]),
    routes: compileRoutes(schemas),
  };
}

function notImplemented(protocol: WireProtocol, service: Service, name: string): WireError {
  const isXml = protocol.id === "restXml" || protocol.id === "awsQuery";
  return {
    name: isXml ? "NotImplemented" : "NotImplementedException",
    message: `${service.description.sdkId} ${name} is not implemented by this server`,
    status: 501,
    fault: "server",
    modelled: undefined,
  };
}

/**
 * Query: `Could not find operation X for version Y` (https://github.com/aws/aws-cli/issues/37). S3: 405
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). JSON: the framework's
 * `UnknownOperationException`, 404 where a path named it and 400 where a header did.
 */
function unknownOperation(
  protocol: WireProtocol,
  request: MatchableRequest,
  { service, name }: { readonly service: Service; readonly name: string | undefined },
): WireError {
  const shared = { fault: "client", modelled: undefined } as const;
  switch (protocol.id) {
    case "awsQuery": {
      if (!name) {
        const message = "The request is missing an action or a required parameter.";
        return { ...shared, name: "MissingAction", message, status: 400 };
      }
      const version = request.form?.get("Version") ?? service.description.apiVersion;
      const message = `Could not find operation ${name} for version ${version}`;
      return { ...shared, name: "InvalidAction", message, status: 400 };
    }
    case "restXml": {
      const message = "The specified method is not allowed against this resource.";
      return { ...shared, name: "MethodNotAllowed", message, status: 405 };
    }
    case "restJson1": {
      const message = `${service.description.sdkId} has no operation for ${request.method} ${request.path}`;
      return { ...shared, name: "UnknownOperationException", message, status: 404 };
    }
    case "awsJson1_0":
    case "awsJson1_1":
    case "rpcV2Cbor": {
      const message = `${service.description.sdkId} has no operation ${name ?? request.path}`;
      return { ...shared, name: "UnknownOperationException", message, status: 400 };
    }
  }
  return unreachable(protocol.id);
}
