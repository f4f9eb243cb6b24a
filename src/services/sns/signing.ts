import { createPrivateKey, generateKeyPair, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import type { Store } from "#storage/storage.ts";
import { keys } from "./records.ts";

/**
 * Signs notifications with a key of the installation, made once and kept in the store.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 */
export interface Signer {
  /** Base64. Version 1 is with SHA-1, version 2 with SHA-256. */
  sign(fields: Readonly<Record<string, string>>, version: "1" | "2"): Promise<string>;
}

const generate = promisify(generateKeyPair);
const signWith = promisify<string, Uint8Array, KeyObject, Buffer>(sign);

export function createSigner({ store }: { readonly store: Store }): Signer {
  let loading: Promise<KeyObject> | undefined;
  const load = async (): Promise<KeyObject> => {
    const known = await store.read((reader) => reader.get(keys.signingKey));
    if (known) return createPrivateKey(Buffer.from(known));
    const { privateKey } = await generate("rsa", { modulusLength: 2_048 });
    const pem = Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" }));
    const kept = await store.write((tx) => {
      const first = tx.get(keys.signingKey);
      if (!first) tx.put(keys.signingKey, pem);
      return first ? Buffer.from(first) : pem;
    });
    return createPrivateKey(kept);
  };
  return {
    async sign(fields, version) {
      if (!loading) {
        loading = load();
        loading.catch(() => (loading = undefined));
      }
      const text = Buffer.from(stringToSign(fields));
      const signature = await signWith(version === "1" ? "sha1" : "sha256", text, await loading);
      return signature.toString("base64");
    },
  };
}

const signedFields = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];

function stringToSign(fields: Readonly<Record<string, string>>): string {
  const there = signedFields.filter((name) => fields[name] !== undefined);
  return there.map((name) => `${name}\n${fields[name]}\n`).join("");
}
