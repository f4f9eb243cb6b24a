import type { RequestContext } from "#base/context.ts";
import type { LayerReference, LayerVersion, RegistryView } from "#functions/registry/registry.ts";
import { accessDenied, invalid } from "./errors.ts";
import { layersMax, unpackedBytesMax } from "./limits.ts";
import { allowsPrincipal } from "./policy.ts";
import { layerPolicies } from "./records.ts";
import { layerReference, layerVersionArn } from "./reference.ts";

/** The layer versions a function names, checked as the service checks them, in their order. */
export function chosenLayers(
  view: RegistryView,
  arns: readonly string[],
  context: RequestContext,
): readonly LayerVersion[] {
  if (arns.length > layersMax) throw invalid(`Cannot reference more than ${layersMax} layers.`);
  const seen = new Map<string, string>();
  return arns.map((arn) => {
    const layer = layerVersion(view, arn, context);
    const base = arn.slice(0, arn.lastIndexOf(":"));
    const other = seen.get(base);
    if (other !== undefined) {
      throw invalid(
        "Two different versions of the same layer are not allowed to be referenced in the same " +
          `function. ${other} and ${arn} are versions of the same layer.`,
      );
    }
    seen.set(base, arn);
    return layer;
  });
}

function layerVersion(view: RegistryView, arn: string, context: RequestContext): LayerVersion {
  const id = layerReference(arn, context);
  const isOwn = id.accountId === context.principal.accountId;
  const denied = (): Error => accessDenied(context.principal.arn, "lambda:GetLayerVersion", arn);
  if (id.region !== context.region) {
    if (!isOwn) throw denied();
    throw invalid(
      "Layers are not in the same region as the function. Layers are expected to be in region " +
        `${context.region}.`,
    );
  }
  const found = id.version === undefined ? undefined : view.layers.get(id, id.version);
  if (!isOwn) {
    const policy = found && layerPolicies.get(view.reader, id, String(found.version));
    if (!found || !allowsPrincipal(policy, context.principal.accountId)) throw denied();
    return found;
  }
  if (!found) throw invalid(`Layer version ${arn} does not exist.`);
  return found;
}

/** The function's own code and its layers may not be bigger together than one package may be. */
export function checkTotalSize(codeByteCount: number, layersByteCount: number): void {
  const total = codeByteCount + layersByteCount;
  if (total > unpackedBytesMax) {
    throw invalid(
      "Function code combined with layers exceeds the maximum allowed size of " +
        `${unpackedBytesMax} bytes. The actual size is ${total} bytes.`,
    );
  }
}

export function unpackedSize(layers: readonly LayerVersion[]): number {
  return layers.reduce((sum, layer) => sum + layer.unpackedByteCount, 0);
}

export function layerReferences(layers: readonly LayerVersion[]): readonly LayerReference[] {
  return layers.map((layer) => ({
    arn: layerVersionArn(layer),
    codeSha256: layer.codeSha256,
    codeByteCount: layer.codeByteCount,
  }));
}
