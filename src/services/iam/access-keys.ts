import type { Clock } from "#base/clock.ts";
import type { Principal } from "#base/context.ts";
import { ignore } from "#base/ignore.ts";
import type { Random } from "#base/random.ts";
import type { SigningKey } from "#protocol/auth/auth.ts";
import { rootPrincipal } from "#protocol/protocol.ts";
import type { Reader, Store } from "#storage/storage.ts";
import { findIdentity } from "./identities.ts";
import { lastUseIntervalMs, rememberedUsesMax } from "./limits.ts";
import { iamArn, newAccessKeyId, newSecretAccessKey } from "./names.ts";
import { accessKeyCodec, keys, linkCodec, readRecord, type AccessKeyRecord } from "./records.ts";
import type { Sessions } from "./sessions.ts";

/** Finds long-term keys in the store and temporary ones in the token presented with them. */
export interface AccessKeys {
  /** Undefined when unknown, inactive, or temporary and without its token. */
  find(accessKeyId: string, sessionToken?: string): Promise<SigningKey | undefined>;
  /**
   * The first key of an account's root; undefined when there is one already, because a secret is
   * shown once. Durable before it resolves.
   */
  createRootKey(
    accountId: string,
  ): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string } | undefined>;
}

export function createAccessKeys(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly sessions: Sessions;
}): AccessKeys {
  const noteUse = createUseNotes(deps);
  const rootKeys = createRootKeyMemory();
  return {
    async find(accessKeyId, sessionToken) {
      if (accessKeyId.startsWith("ASIA")) {
        return findTemporary(deps.sessions, accessKeyId, sessionToken);
      }
      const found = await deps.store.read((reader) => findLongTerm(reader, accessKeyId, rootKeys));
      if (found) noteUse(accessKeyId);
      return found;
    },
    async createRootKey(accountId) {
      const accessKeyId = newAccessKeyId("AKIA", accountId, deps.random);
      const secretAccessKey = newSecretAccessKey(deps.random);
      const record: AccessKeyRecord = {
        accountId,
        secretAccessKey,
        status: "Active",
        createdAtMs: deps.clock.nowMs(),
      };
      return deps.store.write((tx) => {
        const present = [...tx.list(keys.accessKeysOf(accountId, ""), { limit: 1 })];
        if (present.length > 0) return undefined;
        tx.put(keys.accessKey(accessKeyId), accessKeyCodec.encode(record));
        tx.put(
          keys.accessKeyOf(accountId, "", accessKeyId),
          linkCodec.encode({ name: accessKeyId }),
        );
        return { accessKeyId, secretAccessKey };
      });
    },
  };
}

async function findTemporary(
  sessions: Sessions,
  accessKeyId: string,
  sessionToken: string | undefined,
): Promise<SigningKey | undefined> {
  const opened =
    sessionToken === undefined ? undefined : await sessions.open(accessKeyId, sessionToken);
  if (!opened) return undefined;
  const { principalArn: arn, accountId, expiresAtMs } = opened.session;
  return {
    secretAccessKey: opened.secretAccessKey,
    sessionToken,
    expiresAtMs,
    principal: { arn, accountId },
  };
}

function findLongTerm(
  reader: Reader,
  accessKeyId: string,
  rootKeys: RootKeyMemory,
): SigningKey | undefined {
  const bytes = reader.get(keys.accessKey(accessKeyId));
  if (!bytes) return undefined;
  const known = rootKeys.get(accessKeyId, bytes);
  if (known) return known;
  const record = accessKeyCodec.decode(bytes);
  if (record.status !== "Active") return undefined;
  const principal = principalOf(reader, record);
  if (!principal) return undefined;
  const key = {
    secretAccessKey: record.secretAccessKey,
    sessionToken: undefined,
    expiresAtMs: undefined,
    principal,
  };
  if (record.userName === undefined) rootKeys.keep(accessKeyId, bytes, key);
  return key;
}

/** Keys of roots as they were read: nothing but their own record says who they are. */
interface RootKeyMemory {
  /** What these very bytes were read as. */
  get(accessKeyId: string, bytes: Uint8Array): SigningKey | undefined;
  keep(accessKeyId: string, bytes: Uint8Array, key: SigningKey): void;
}

/** Reading the record of a key was a visible part of every signed request. Bounded. */
function createRootKeyMemory(): RootKeyMemory {
  const known = new Map<string, { readonly bytes: Uint8Array; readonly key: SigningKey }>();
  return {
    get(accessKeyId, bytes) {
      const found = known.get(accessKeyId);
      return found && Buffer.compare(found.bytes, bytes) === 0 ? found.key : undefined;
    },
    keep(accessKeyId, bytes, key) {
      if (known.size >= rememberedUsesMax) known.clear();
      known.set(accessKeyId, { bytes: new Uint8Array(bytes), key });
    },
  };
}

function principalOf(reader: Reader, record: AccessKeyRecord): Principal | undefined {
  const { accountId, userName } = record;
  if (userName === undefined) return rootPrincipal(accountId);
  const user = findIdentity(reader, accountId, { kind: "user", name: userName });
  return user && { arn: iamArn(accountId, "user", user), accountId };
}

/** Writes down a key's last use, at most once per key and interval, never on the request's path. */
function createUseNotes(deps: {
  readonly store: Store;
  readonly clock: Clock;
}): (accessKeyId: string) => void {
  const noted = new Map<string, number>();
  return (accessKeyId) => {
    const nowMs = deps.clock.nowMs();
    const lastMs = noted.get(accessKeyId);
    if (lastMs !== undefined && Math.abs(nowMs - lastMs) < lastUseIntervalMs) return;
    noted.delete(accessKeyId);
    noted.set(accessKeyId, nowMs);
    const oldest = noted.size > rememberedUsesMax ? noted.keys().next().value : undefined;
    if (oldest !== undefined) noted.delete(oldest);
    const written = deps.store.write((tx) => {
      const at = keys.accessKey(accessKeyId);
      const record = readRecord(tx, at, accessKeyCodec);
      if (record) tx.put(at, accessKeyCodec.encode({ ...record, lastUsedAtMs: nowMs }));
    });
    ignore(written, "the last use is information, and the next use writes it again");
  };
}
