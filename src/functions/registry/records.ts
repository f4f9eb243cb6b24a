import { type KeyPart, key, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { KeyRange } from "#storage/storage.ts";
import type { Alias, FunctionEntry, LayerVersion, Revision, Usage } from "./registry.ts";

/**
 * What the registry stores and under which keys. Everything begins with `functions`, so that one
 * watch tells every process that something was deployed.
 */
export const codecs = {
  function: recordCodec<FunctionEntry>(1),
  version: recordCodec<Revision>(1),
  alias: recordCodec<Alias>(1),
  layer: recordCodec<LayerVersion>(1),
  counter: recordCodec<number>(1),
  mark: recordCodec<FunctionId>(1),
  usage: recordCodec<Usage>(1),
};

/** A function's place: account, region, name. */
export interface FunctionId {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
}

/** One account in one region: what listings range over. */
export type Scope = Pick<FunctionId, "accountId" | "region">;

const root = "functions";
type Kind = "function" | "version" | "version-counter" | "alias" | "layer" | "layer-counter";

const at = (kind: Kind, id: FunctionId, ...rest: readonly KeyPart[]): Uint8Array =>
  key(root, kind, id.accountId, id.region, id.name, ...rest);

export const keys = {
  function: (id: FunctionId) => at("function", id),
  version: (id: FunctionId, version: number) => at("version", id, version),
  /** Outlives the function: version numbers are never used twice. */
  versionCounter: (id: FunctionId) => at("version-counter", id),
  alias: (id: FunctionId, alias: string) => at("alias", id, alias),
  layer: (id: FunctionId, version: number) => at("layer", id, version),
  layerCounter: (id: FunctionId) => at("layer-counter", id),
  /** Present while the function is being prepared; what a starting process has to look at. */
  preparing: (id: FunctionId) => key(root, "preparing", id.accountId, id.region, id.name),
  /** Present while the function has provisioned concurrency; what a starting process allocates again. */
  provisioned: (id: FunctionId) => key(root, "provisioned", id.accountId, id.region, id.name),
  /** Totals of an account in a region. */
  usage: ({ accountId, region }: Scope) => key(root, "usage", accountId, region),
};

export const ranges = {
  everything: keyPrefix(root),
  functions: (scope: Scope) => keyPrefix(root, "function", scope.accountId, scope.region),
  versions: (id: FunctionId) => keyPrefix(root, "version", id.accountId, id.region, id.name),
  aliases: (id: FunctionId) => keyPrefix(root, "alias", id.accountId, id.region, id.name),
  layerVersions: (id: FunctionId) => keyPrefix(root, "layer", id.accountId, id.region, id.name),
  layerCounters: (scope: Scope) => keyPrefix(root, "layer-counter", scope.accountId, scope.region),
  layers: (scope: Scope) => keyPrefix(root, "layer", scope.accountId, scope.region),
  preparing: keyPrefix(root, "preparing"),
  provisioned: keyPrefix(root, "provisioned"),
} satisfies Record<string, KeyRange | ((id: FunctionId) => KeyRange)>;
