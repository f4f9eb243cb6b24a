import type { RequestContext } from "#base/context.ts";
import type { FunctionId, LayerVersion, RegistryView } from "#functions/registry/registry.ts";
import { ValidationError } from "#protocol/wire/wire.ts";
import { type CodeLinks, storeCode } from "../code.ts";
import type { Input, LambdaHandler, LambdaScope } from "../dependencies.ts";
import { accessDenied, invalid, nothingThere } from "../errors.ts";
import { pageRequest } from "../paging.ts";
import { allowsPrincipal } from "../policy.ts";
import { layerPolicies } from "../records.ts";
import { layerArn, layerReference, layerVersionArn } from "../reference.ts";
import { isRuntimeName } from "../runtime-names.ts";
import { base64OfHex, timeText } from "../shape.ts";
import { checkCodeStorage } from "../usage.ts";

/** PublishLayerVersion, GetLayerVersion(ByArn), ListLayers, ListLayerVersions, DeleteLayerVersion. */
export function layerOperations(scope: LambdaScope, links: CodeLinks) {
  return {
    publishLayerVersion: publishLayerVersion(scope, links),
    getLayerVersion: getLayerVersion(scope, links),
    getLayerVersionByArn: getLayerVersionByArn(scope, links),
    listLayers: listLayers(scope),
    listLayerVersions: listLayerVersions(scope),
    deleteLayerVersion: deleteLayerVersion(scope),
  };
}

function publishLayerVersion(
  scope: LambdaScope,
  links: CodeLinks,
): LambdaHandler<"PublishLayerVersion"> {
  return async (input, context) => {
    const id = layerReference(input.LayerName, context);
    if (id.accountId !== context.principal.accountId) {
      throw accessDenied(context.principal.arn, "lambda:PublishLayerVersion", layerArn(id));
    }
    checkRuntimes(scope, "compatibleRuntimes", input.CompatibleRuntimes ?? []);
    const code = await storeCode(scope, input.Content ?? {}, {
      accountId: context.principal.accountId,
    });
    const draft: Omit<LayerVersion, "version"> = {
      accountId: id.accountId,
      region: context.region,
      name: id.name,
      description: input.Description ?? "",
      licence: input.LicenseInfo,
      runtimes: input.CompatibleRuntimes ?? [],
      architectures: input.CompatibleArchitectures ?? [],
      ...code,
      createdMs: scope.clock.nowMs(),
    };
    const layer = await scope.registry.write((edit) => {
      checkCodeStorage(edit, draft, code.codeByteCount);
      return edit.layers.publish(draft);
    });
    return await withContent(links, layer, context);
  };
}

function getLayerVersion(scope: LambdaScope, links: CodeLinks): LambdaHandler<"GetLayerVersion"> {
  return async (input, context) => {
    checkNumber(input.VersionNumber);
    const id = layerReference(input.LayerName, context);
    const layer = await scope.registry.read((view) =>
      visibleLayer(view, { id, version: input.VersionNumber, context }),
    );
    return await withContent(links, layer, context);
  };
}

function getLayerVersionByArn(
  scope: LambdaScope,
  links: CodeLinks,
): LambdaHandler<"GetLayerVersionByArn"> {
  return async (input, context) => {
    const id = layerReference(input.Arn, context);
    const layer = await scope.registry.read((view) =>
      visibleLayer(view, { id, version: id.version ?? 0, context }),
    );
    return await withContent(links, layer, context);
  };
}

/** Another account's layer version is there only for those its policy names. */
function visibleLayer(
  view: RegistryView,
  wanted: {
    readonly id: FunctionId;
    readonly version: number;
    readonly context: RequestContext;
  },
): LayerVersion {
  const { id, version, context } = wanted;
  const found = id.region === context.region ? view.layers.get(id, version) : undefined;
  if (id.accountId !== context.principal.accountId) {
    const policy = found && layerPolicies.get(view.reader, id, String(version));
    if (!found || !allowsPrincipal(policy, context.principal.accountId)) {
      const arn = layerVersionArn({ ...id, version });
      throw accessDenied(context.principal.arn, "lambda:GetLayerVersion", arn);
    }
  }
  if (!found) throw nothingThere();
  return found;
}

function listLayers(scope: LambdaScope): LambdaHandler<"ListLayers"> {
  return async (input, context) => {
    const { accountId } = context.principal;
    const place = { accountId, region: context.region };
    checkFilter(scope, input);
    const page = pageRequest(["layers", accountId, context.region, filterName(input)], input);
    return await scope.registry.read((view) => {
      const names = view.layers.names(place, {
        after: page.after,
        limit: Number.POSITIVE_INFINITY,
      });
      const newest = names.flatMap((name) => {
        const versions = view.layers.list({ ...place, name }, everyVersion);
        return versions.filter((layer) => matches(layer, input)).slice(0, 1);
      });
      const { items, next } = page.cut(newest, (layer) => layer.name);
      return {
        Layers: items.map((layer) => ({
          LayerName: layer.name,
          LayerArn: layerArn(layer),
          LatestMatchingVersion: listedLayer(layer),
        })),
        ...(next === undefined ? {} : { NextMarker: next }),
      };
    });
  };
}

const everyVersion = { after: undefined, limit: Number.POSITIVE_INFINITY };

function listLayerVersions(scope: LambdaScope): LambdaHandler<"ListLayerVersions"> {
  return async (input, context) => {
    const id = layerReference(input.LayerName, context);
    checkFilter(scope, input);
    if (id.accountId !== context.principal.accountId) {
      throw accessDenied(context.principal.arn, "lambda:ListLayerVersions", layerArn(id));
    }
    const page = pageRequest(["layer-versions", layerArn(id), filterName(input)], input);
    const after = page.after === undefined ? undefined : Number(page.after);
    return await scope.registry.read((view) => {
      const versions = view.layers
        .list(id, { after, limit: Number.POSITIVE_INFINITY })
        .filter((layer) => matches(layer, input));
      const { items, next } = page.cut(versions, (layer) => String(layer.version));
      return {
        LayerVersions: items.map(listedLayer),
        ...(next === undefined ? {} : { NextMarker: next }),
      };
    });
  };
}

/** Functions that use it keep it: what they need is copied into them. */
function deleteLayerVersion(scope: LambdaScope): LambdaHandler<"DeleteLayerVersion"> {
  return async (input, context) => {
    checkNumber(input.VersionNumber);
    const id = layerReference(input.LayerName, context);
    if (id.accountId !== context.principal.accountId) {
      throw accessDenied(context.principal.arn, "lambda:DeleteLayerVersion", layerArn(id));
    }
    await scope.registry.write((edit) => {
      edit.layers.remove(id, input.VersionNumber);
      layerPolicies.remove(edit.tx, id, String(input.VersionNumber));
    });
    return {};
  };
}

type Filter = Pick<Input<"ListLayers">, "CompatibleRuntime" | "CompatibleArchitecture">;

function matches(layer: LayerVersion, filter: Filter): boolean {
  const { CompatibleRuntime: runtime, CompatibleArchitecture: architecture } = filter;
  return (
    (runtime === undefined || layer.runtimes.includes(runtime)) &&
    (architecture === undefined || layer.architectures.includes(architecture))
  );
}

function filterName(filter: Filter): string {
  return `${filter.CompatibleRuntime ?? ""}/${filter.CompatibleArchitecture ?? ""}`;
}

function checkFilter(scope: LambdaScope, filter: Filter): void {
  if (filter.CompatibleRuntime !== undefined) {
    checkRuntimes(scope, "compatibleRuntime", [filter.CompatibleRuntime]);
  }
}

function checkRuntimes(scope: LambdaScope, member: string, runtimes: readonly string[]): void {
  if (runtimes.every((runtime) => isRuntimeName(runtime, scope.runtimeNames))) return;
  throw new ValidationError(
    [],
    `1 validation error detected: Value '[${runtimes.join(", ")}]' at '${member}' failed to satisfy ` +
      "constraint: Member must satisfy enum value set of runtime names",
  );
}

function checkNumber(version: number): void {
  if (version < 1) throw invalid("Layer Version Cannot be less than 1.");
}

function listedLayer(layer: LayerVersion) {
  return {
    LayerVersionArn: layerVersionArn(layer),
    Version: layer.version,
    Description: layer.description,
    CreatedDate: timeText(layer.createdMs),
    CompatibleRuntimes: [...layer.runtimes] as "nodejs24.x"[], // hosted runtimes go beyond the SDK's list
    CompatibleArchitectures: [...layer.architectures] as "x86_64"[], // checked against the model's choices on the way in
    ...(layer.licence === undefined ? {} : { LicenseInfo: layer.licence }),
  };
}

async function withContent(links: CodeLinks, layer: LayerVersion, context: RequestContext) {
  return {
    ...listedLayer(layer),
    LayerArn: layerArn(layer),
    Content: {
      Location: await links.link(context.endpoint, layer.codeSha256),
      CodeSha256: base64OfHex(layer.codeSha256),
      CodeSize: layer.codeByteCount,
    },
  };
}
