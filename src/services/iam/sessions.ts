import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Random } from "#base/random.ts";
import type { Store } from "#storage/storage.ts";
import { newAccessKeyId } from "./names.ts";
import { installationKeyCodec, keys, readRecord, type Tag } from "./records.ts";

/**
 * Temporary credentials that are stored nowhere. The session token is the record: sealed with
 * AES-256-GCM under a key that only this installation's store holds, it says who the session is and
 * until when, and the secret is derived from the same key. Any process that shares the store can
 * verify a session that another one issued, and issuing costs no write.
 */
export interface Session {
  readonly accessKeyId: string;
  readonly principalArn: string;
  readonly accountId: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Session policy as given; intersected with the role's once policies are evaluated. */
  readonly policy?: string;
  readonly policyArns?: readonly string[];
  readonly tags?: readonly Tag[];
  readonly transitiveTagKeys?: readonly string[];
  readonly sourceIdentity?: string;
}

export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
}

export interface Sessions {
  issue(
    session: Omit<Session, "accessKeyId" | "issuedAtMs" | "expiresAtMs">,
    durationSeconds: number,
  ): Promise<SessionCredentials>;
  /** Undefined unless this installation issued the token for this key id. Expired ones are found. */
  open(
    accessKeyId: string,
    sessionToken: string,
  ): Promise<{ readonly session: Session; readonly secretAccessKey: string } | undefined>;
}

const formatVersion = 1;
const nonceBytes = 12;
const tagBytes = 16;

export function createSessions(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}): Sessions {
  const installationKey = createInstallationKey(deps);
  return {
    async issue(content, durationSeconds) {
      const secret = await installationKey();
      const issuedAtMs = deps.clock.nowMs();
      const session: Session = {
        ...content,
        accessKeyId: newAccessKeyId("ASIA", content.accountId, deps.random),
        issuedAtMs,
        expiresAtMs: issuedAtMs + durationSeconds * 1_000,
      };
      return {
        accessKeyId: session.accessKeyId,
        secretAccessKey: deriveSecret(secret, session),
        sessionToken: seal(secret, deps.random.bytes(nonceBytes), session),
        expiresAtMs: session.expiresAtMs,
      };
    },
    async open(accessKeyId, sessionToken) {
      const secret = await installationKey();
      const session = unseal(secret, sessionToken);
      if (session?.accessKeyId !== accessKeyId) return undefined;
      return { session, secretAccessKey: deriveSecret(secret, session) };
    },
  };
}

/** Made once per store, by whichever process needs it first; read once per process. */
function createInstallationKey(deps: {
  readonly store: Store;
  readonly random: Random;
}): () => Promise<Uint8Array> {
  let known: Uint8Array | undefined;
  return async () => {
    if (known) return known;
    const at = keys.installationKey();
    const present = await deps.store.read((reader) => readRecord(reader, at, installationKeyCodec));
    const fresh = deps.random.bytes(32);
    const record =
      present ??
      (await deps.store.write((tx) => {
        const raced = readRecord(tx, at, installationKeyCodec);
        if (raced) return raced;
        const made = { secret: Uint8Array.from(fresh) };
        tx.put(at, installationKeyCodec.encode(made));
        return made;
      }));
    known = record.secret;
    return known;
  };
}

/** Separate keys for separate purposes, from one secret. */
function subkey(secret: Uint8Array, purpose: string): Buffer {
  return createHmac("sha256", secret).update(`skerry session ${purpose}`).digest();
}

/** 40 characters of base64, like every secret access key. */
function deriveSecret(secret: Uint8Array, session: Session): string {
  return createHmac("sha256", subkey(secret, "secret"))
    .update(`${session.accessKeyId}\n${session.expiresAtMs}\n${session.principalArn}`)
    .digest()
    .subarray(0, 30)
    .toString("base64");
}

function seal(secret: Uint8Array, nonce: Uint8Array, session: Session): string {
  const cipher = createCipheriv("aes-256-gcm", subkey(secret, "token"), nonce);
  const header = Buffer.of(formatVersion);
  cipher.setAAD(header);
  const sealed = Buffer.concat([cipher.update(JSON.stringify(session), "utf8"), cipher.final()]);
  return Buffer.concat([header, nonce, sealed, cipher.getAuthTag()]).toString("base64");
}

function unseal(secret: Uint8Array, token: string): Session | undefined {
  const bytes = Buffer.from(token, "base64");
  if (bytes.length <= 1 + nonceBytes + tagBytes || bytes[0] !== formatVersion) return undefined;
  const nonce = bytes.subarray(1, 1 + nonceBytes);
  const decipher = createDecipheriv("aes-256-gcm", subkey(secret, "token"), nonce, {
    authTagLength: tagBytes,
  });
  decipher.setAAD(bytes.subarray(0, 1));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  try {
    const text = Buffer.concat([
      decipher.update(bytes.subarray(1 + nonceBytes, -tagBytes)),
      decipher.final(),
    ]);
    return JSON.parse(text.toString("utf8")) as Session; // authenticated: only `seal` can have written it
  } catch {
    return undefined; // not sealed by this installation, or changed since
  }
}
