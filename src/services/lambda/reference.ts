import type { RequestContext } from "#base/context.ts";
import type { FunctionReference } from "#functions/registry/registry.ts";
import { accessDenied, functionNotFound, invalid, notFound } from "./errors.ts";

/**
 * The ways to name a function: name, `name:qualifier`, `account:function:name`, or an ARN.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (seen 2026-11)
 */
const functionForm =
  /^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?<region>[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(?<account>\d{12}):)?(?:function:)?(?<name>[a-zA-Z0-9_-]+)(?::(?<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?$/;

const layerForm =
  /^arn:[a-zA-Z0-9-]+:lambda:(?<region>[a-zA-Z0-9-]+):(?<account>\d{12}):layer:(?<name>[a-zA-Z0-9_-]+)(?::(?<version>\d+))?$/;

/**
 * Who is meant. Another region is "not reachable", another account is denied (nothing can be shared
 * until policies are evaluated), a qualifier given twice must be the same one.
 */
export function functionReference(
  text: string,
  qualifier: string | undefined,
  context: Pick<RequestContext, "principal" | "region">,
): FunctionReference {
  const parts = functionForm.exec(text)?.groups;
  const accountId = context.principal.accountId;
  const { region } = context;
  if (!parts?.["name"]) {
    throw functionNotFound(functionArn({ accountId, region, name: text, qualifier }));
  }
  const found: FunctionReference = {
    accountId: parts["account"] ?? accountId,
    region: parts["region"] ?? region,
    name: parts["name"],
    qualifier: qualifier ?? parts["qualifier"],
  };
  if (found.region !== region) {
    throw notFound(
      `Functions from '${found.region}' are not reachable in this region ('${region}')`,
    );
  }
  if (found.accountId !== accountId) {
    throw accessDenied(context.principal.arn, "lambda:InvokeFunction", functionArn(found));
  }
  if (qualifier !== undefined && parts["qualifier"] && parts["qualifier"] !== qualifier) {
    throw invalid(
      "The derived qualifier from the function name does not match the specified qualifier.",
    );
  }
  return found;
}

/** For operations that act on a function as a whole. */
export function wholeFunction(text: string, context: RequestContext): FunctionReference {
  const reference = functionReference(text, undefined, context);
  if (reference.qualifier !== undefined) {
    throw invalid(
      "This operation is permitted on Lambda functions only. Aliases and versions do not support " +
        "this operation. Please specify either a function name or an unqualified function ARN.",
    );
  }
  return reference;
}

/** For operations that change `$LATEST` or list what hangs on a function: other qualifiers are refused. */
export function latestFunction(text: string, context: RequestContext): FunctionReference {
  const reference = functionReference(text, undefined, context);
  if (reference.qualifier === "$LATEST") return { ...reference, qualifier: undefined };
  return wholeFunction(text, context);
}

/** With its qualifier, if it has one. */
export function functionArn(reference: FunctionReference): string {
  const { region, accountId, name, qualifier } = reference;
  const base = `arn:aws:lambda:${region}:${accountId}:function:${name}`;
  return qualifier === undefined ? base : `${base}:${qualifier}`;
}

export interface LayerReferenceParts {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
  readonly version: number | undefined;
}

/** A layer's name, ARN or version ARN. */
export function layerReference(
  text: string,
  context: Pick<RequestContext, "principal" | "region">,
): LayerReferenceParts {
  const parts = layerForm.exec(text)?.groups;
  const version = parts?.["version"];
  return {
    accountId: parts?.["account"] ?? context.principal.accountId,
    region: parts?.["region"] ?? context.region,
    name: parts?.["name"] ?? text,
    version: version === undefined ? undefined : Number(version),
  };
}

export function layerArn(layer: Omit<LayerReferenceParts, "version">): string {
  return `arn:aws:lambda:${layer.region}:${layer.accountId}:layer:${layer.name}`;
}

export function layerVersionArn(layer: LayerReferenceParts): string {
  return `${layerArn(layer)}:${layer.version}`;
}

/** `1`, `2`, … as opposed to `$LATEST` and aliases. */
export function isVersionNumber(qualifier: string): boolean {
  return /^\d+$/.test(qualifier);
}
