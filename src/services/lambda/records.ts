import { type KeyPart, key, keyAfter, keyParts, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { FunctionId } from "#functions/registry/registry.ts";
import type { KeyRange, Reader, Transaction } from "#storage/storage.ts";

/**
 * What only the API knows about a function or layer: everything else is the registry's. Keys are
 * `lambda, <kind>, account, region, name, <sub>`; `sub` is a qualifier, a layer version or empty.
 */
export interface UrlRecord {
  readonly urlId: string;
  readonly authType: "NONE" | "AWS_IAM";
  readonly invokeMode: "BUFFERED" | "RESPONSE_STREAM";
  readonly cors: CorsRecord | undefined;
  readonly createdMs: number;
  readonly modifiedMs: number;
}

interface CorsRecord {
  readonly AllowCredentials?: boolean | undefined;
  readonly AllowHeaders?: string[] | undefined;
  readonly AllowMethods?: string[] | undefined;
  readonly AllowOrigins?: string[] | undefined;
  readonly ExposeHeaders?: string[] | undefined;
  readonly MaxAge?: number | undefined;
}

/** Where a function URL leads; found by its id. */
export interface UrlTarget extends FunctionId {
  readonly qualifier: string | undefined;
}

export interface PolicyRecord {
  readonly revisionId: string;
  readonly statements: readonly Statement[];
}

/** One statement of a resource policy, member order as the service writes it. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Principal: string | Readonly<Record<string, string>>;
  readonly Action: string;
  readonly Resource: string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface EventInvokeRecord {
  readonly maxRetryAttempts: number | undefined;
  readonly maxAgeSeconds: number | undefined;
  /** Undefined when the caller never named destinations. */
  readonly destinations:
    | { readonly onSuccess: string | undefined; readonly onFailure: string | undefined }
    | undefined;
  readonly modifiedMs: number;
}

export type Tags = Readonly<Record<string, string>>;

export interface RuntimeManagementRecord {
  readonly updateOn: "Auto" | "Manual" | "FunctionUpdate";
  readonly runtimeVersionArn: string | undefined;
}

export interface RecursionRecord {
  readonly recursiveLoop: "Allow" | "Terminate";
}

const root = "lambda";

export interface RecordTable<T> {
  get(reader: Reader, id: FunctionId, sub?: string): T | undefined;
  /** Ascending by `sub`, which each entry carries. */
  list(
    reader: Reader,
    id: FunctionId,
    page: { readonly after: string | undefined; readonly limit: number },
  ): readonly { readonly sub: string; readonly record: T }[];
  put(tx: Transaction, at: { readonly id: FunctionId; readonly sub?: string }, record: T): void;
  remove(tx: Transaction, id: FunctionId, sub?: string): void;
  removeAll(tx: Transaction, id: FunctionId): void;
}

function table<T>(kind: string): RecordTable<T> {
  const codec = recordCodec<T>(1);
  const at = (id: FunctionId, ...rest: readonly KeyPart[]): Uint8Array =>
    key(root, kind, id.accountId, id.region, id.name, ...rest);
  const all = (id: FunctionId): KeyRange => keyPrefix(root, kind, id.accountId, id.region, id.name);
  return {
    get(reader, id, sub = "") {
      const bytes = reader.get(at(id, sub));
      return bytes && codec.decode(bytes);
    },
    list(reader, id, { after, limit }) {
      const { start, end } = all(id);
      const range = { start: after === undefined ? start : keyAfter(at(id, after)), end };
      return Array.from(reader.list(range, { limit }), (entry) => ({
        sub: String(keyParts(entry.key).at(-1)),
        record: codec.decode(entry.value),
      }));
    },
    put: (tx, { id, sub = "" }, record) => tx.put(at(id, sub), codec.encode(record)),
    remove: (tx, id, sub = "") => tx.delete(at(id, sub)),
    removeAll: (tx, id) => tx.deleteRange(all(id)),
  };
}

export const urls = table<UrlRecord>("url");
export const policies = table<PolicyRecord>("policy");
export const eventInvokes = table<EventInvokeRecord>("event-invoke");
export const tags = table<Tags>("tags");
export const runtimeManagement = table<RuntimeManagementRecord>("runtime-management");
export const recursion = table<RecursionRecord>("recursion");
export const layerPolicies = table<PolicyRecord>("layer-policy");

const urlTargetCodec = recordCodec<UrlTarget>(1);
const secretCodec = recordCodec<{ readonly secret: Uint8Array }>(1);

/** Function URLs by what is in their host name. */
export const urlTargets = {
  get(reader: Reader, region: string, urlId: string): UrlTarget | undefined {
    const bytes = reader.get(key(root, "url-id", region, urlId));
    return bytes && urlTargetCodec.decode(bytes);
  },
  put(tx: Transaction, urlId: string, target: UrlTarget): void {
    tx.put(key(root, "url-id", target.region, urlId), urlTargetCodec.encode(target));
  },
  remove: (tx: Transaction, region: string, urlId: string): void =>
    tx.delete(key(root, "url-id", region, urlId)),
};

/** The key that signs code download links; one for all processes on a store. */
export const codeLinkSecret = {
  get(reader: Reader): Uint8Array | undefined {
    const bytes = reader.get(key(root, "code-link-secret"));
    return bytes && secretCodec.decode(bytes).secret;
  },
  put: (tx: Transaction, secret: Uint8Array): void =>
    tx.put(key(root, "code-link-secret"), secretCodec.encode({ secret })),
};

/** Everything the data plane caches lies in here. */
export const everything = keyPrefix(root);

/** What hangs on one alias or version, gone with it. */
export function removeQualified(tx: Transaction, id: FunctionId, qualifier: string): void {
  const url = urls.get(tx, id, qualifier);
  if (url) urlTargets.remove(tx, id.region, url.urlId);
  for (const each of [urls, policies, eventInvokes, runtimeManagement]) {
    each.remove(tx, id, qualifier);
  }
}

/** What hangs on a function, gone with it. */
export function removeAll(tx: Transaction, id: FunctionId): void {
  const everyUrl = { after: undefined, limit: Number.MAX_SAFE_INTEGER };
  for (const { record } of urls.list(tx, id, everyUrl)) {
    urlTargets.remove(tx, id.region, record.urlId);
  }
  for (const each of [urls, policies, eventInvokes, runtimeManagement, recursion, tags]) {
    each.removeAll(tx, id);
  }
}
