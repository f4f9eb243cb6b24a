import {
  DeleteBucketCors$,
  DeleteBucketEncryption$,
  DeleteBucketLifecycle$,
  DeleteBucketOwnershipControls$,
  DeleteBucketPolicy$,
  DeleteBucketReplication$,
  DeleteBucketTagging$,
  DeleteBucketWebsite$,
  DeletePublicAccessBlock$,
  GetBucketAccelerateConfiguration$,
  GetBucketCors$,
  GetBucketEncryption$,
  GetBucketLifecycleConfiguration$,
  GetBucketLogging$,
  GetBucketOwnershipControls$,
  GetBucketPolicy$,
  GetBucketPolicyStatus$,
  GetBucketReplication$,
  GetBucketRequestPayment$,
  GetBucketTagging$,
  GetBucketVersioning$,
  GetBucketWebsite$,
  GetPublicAccessBlock$,
  PutBucketAccelerateConfiguration$,
  PutBucketCors$,
  PutBucketEncryption$,
  PutBucketLifecycleConfiguration$,
  PutBucketLogging$,
  PutBucketOwnershipControls$,
  PutBucketPolicy$,
  PutBucketRequestPayment$,
  PutBucketTagging$,
  PutBucketVersioning$,
  PutBucketWebsite$,
  PutPublicAccessBlock$,
} from "@aws-sdk/client-s3";
import type { RequestContext } from "#base/context.ts";
import type { Transaction } from "#storage/storage.ts";
import { type BucketInput, loadBucket, saveBucket } from "../buckets.ts";
import type { S3Deps, S3Rows } from "../deps.ts";
import { s3Error } from "../errors.ts";
import { keys, type BucketRecord } from "../records.ts";
import * as check from "../setting-checks.ts";
import { encodeLifecycle, readLifecycle } from "../lifecycle-rules.ts";
import { putVersioning, readVersioning } from "../versioning.ts";

/** One configuration of a bucket: stored as it was said, checked before, told as it is. */
interface Setting {
  readonly name: string;
  /** What there is to store of a request; throws what is wrong with it. */
  readonly read?: (input: object, bucket: BucketRecord) => unknown;
  /** The answer of its Get operation. Throws when there is nothing and that is an error. */
  readonly write: (stored: unknown) => object;
  /** What else must change with it. */
  readonly changed?: (tx: Transaction, bucket: BucketRecord) => void;
}

/** Settings of buckets. What is carried out of each, its own part of the service decides. */
export function bucketSettingOperations(deps: S3Deps): S3Rows {
  const cors = rowsOf(deps, settings.cors);
  const encryption = rowsOf(deps, settings.encryption);
  const lifecycle = rowsOf(deps, settings.lifecycle);
  const ownership = rowsOf(deps, settings.ownership);
  const policy = rowsOf(deps, settings.policy);
  const tagging = rowsOf(deps, settings.tagging);
  const website = rowsOf(deps, settings.website);
  const access = rowsOf(deps, settings.publicAccess);
  const accelerate = rowsOf(deps, settings.accelerate);
  const logging = rowsOf(deps, settings.logging);
  const payment = rowsOf(deps, settings.requestPayment);
  const replication = rowsOf(deps, settings.replication);
  return {
    PutBucketVersioning: [PutBucketVersioning$, (i, c) => putVersioning(deps, i, c)],
    GetBucketVersioning: [GetBucketVersioning$, (i, c) => readVersioning(deps, i, c)],
    PutBucketCors: [PutBucketCors$, cors.put],
    GetBucketCors: [GetBucketCors$, cors.get],
    DeleteBucketCors: [DeleteBucketCors$, cors.remove],
    PutBucketEncryption: [PutBucketEncryption$, encryption.put],
    GetBucketEncryption: [GetBucketEncryption$, encryption.get],
    DeleteBucketEncryption: [DeleteBucketEncryption$, encryption.remove],
    PutBucketLifecycleConfiguration: [PutBucketLifecycleConfiguration$, lifecycle.put],
    GetBucketLifecycleConfiguration: [GetBucketLifecycleConfiguration$, lifecycle.get],
    DeleteBucketLifecycle: [DeleteBucketLifecycle$, lifecycle.remove],
    PutBucketOwnershipControls: [PutBucketOwnershipControls$, ownership.put],
    GetBucketOwnershipControls: [GetBucketOwnershipControls$, ownership.get],
    DeleteBucketOwnershipControls: [DeleteBucketOwnershipControls$, ownership.remove],
    PutBucketPolicy: [PutBucketPolicy$, policy.put],
    GetBucketPolicy: [GetBucketPolicy$, policy.get],
    DeleteBucketPolicy: [DeleteBucketPolicy$, policy.remove],
    GetBucketPolicyStatus: [
      GetBucketPolicyStatus$,
      rowsOf(deps, { ...settings.policy, write: check.policyStatus }).get,
    ],
    PutBucketTagging: [PutBucketTagging$, tagging.put],
    GetBucketTagging: [
      GetBucketTagging$,
      async (i, c) => ({ TagSet: [], ...(await tagging.get(i, c)) }),
    ],
    DeleteBucketTagging: [DeleteBucketTagging$, tagging.remove],
    PutBucketWebsite: [PutBucketWebsite$, website.put],
    GetBucketWebsite: [GetBucketWebsite$, website.get],
    DeleteBucketWebsite: [DeleteBucketWebsite$, website.remove],
    PutPublicAccessBlock: [PutPublicAccessBlock$, access.put],
    GetPublicAccessBlock: [GetPublicAccessBlock$, access.get],
    DeletePublicAccessBlock: [DeletePublicAccessBlock$, access.remove],
    PutBucketAccelerateConfiguration: [PutBucketAccelerateConfiguration$, accelerate.put],
    GetBucketAccelerateConfiguration: [GetBucketAccelerateConfiguration$, accelerate.get],
    PutBucketLogging: [PutBucketLogging$, logging.put],
    GetBucketLogging: [GetBucketLogging$, logging.get],
    PutBucketRequestPayment: [PutBucketRequestPayment$, payment.put],
    GetBucketRequestPayment: [GetBucketRequestPayment$, payment.get],
    GetBucketReplication: [GetBucketReplication$, replication.get],
    DeleteBucketReplication: [DeleteBucketReplication$, replication.remove],
  };
}

const absent = (code: string, message: string): Error => s3Error(code, message, { status: 404 });

const there = (stored: unknown, code: string, message: string): object => {
  if (typeof stored === "object" && stored !== null) return stored;
  throw absent(code, message);
};

/** Errors as the service words them: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (seen 2026-11) */
const settings = {
  cors: {
    name: "cors",
    read: check.readCors,
    write: (stored) =>
      there(stored, "NoSuchCORSConfiguration", "The CORS configuration does not exist"),
  },
  encryption: {
    name: "encryption",
    read: check.readEncryption,
    write: (stored) => ({ ServerSideEncryptionConfiguration: stored ?? check.defaultEncryption }),
  },
  lifecycle: {
    name: "lifecycle",
    read: encodeLifecycle,
    write: (stored) =>
      readLifecycle(
        there(stored, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
      ),
    changed(tx, { name, settings }) {
      if (settings["lifecycle"] === undefined) tx.delete(keys.lifecycle(name));
      else tx.put(keys.lifecycle(name), new Uint8Array([1]));
    },
  },
  ownership: {
    name: "ownership-controls",
    read: check.readOwnership,
    write: (stored) => ({
      OwnershipControls: there(
        stored,
        "OwnershipControlsNotFoundError",
        "The bucket ownership controls were not found",
      ),
    }),
  },
  policy: {
    name: "policy",
    read: check.readPolicy,
    write(stored) {
      if (typeof stored === "string") return { Policy: stored };
      throw absent("NoSuchBucketPolicy", "The bucket policy does not exist");
    },
  },
  tagging: {
    name: "tagging",
    read: check.readTagging,
    write: (stored) => there(stored, "NoSuchTagSet", "The TagSet does not exist"),
  },
  website: {
    name: "website",
    read: check.readWebsite,
    write: (stored) =>
      there(
        stored,
        "NoSuchWebsiteConfiguration",
        "The specified bucket does not have a website configuration",
      ),
  },
  publicAccess: {
    name: "public-access-block",
    read: check.readPublicAccess,
    write: (stored) => ({
      PublicAccessBlockConfiguration: there(
        stored,
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
      ),
    }),
  },
  accelerate: {
    name: "accelerate",
    read: check.readAccelerate,
    write: (stored) => (typeof stored === "string" ? { Status: stored } : {}),
  },
  logging: {
    name: "logging",
    read: check.readLogging,
    write: (stored) => (stored === undefined ? {} : { LoggingEnabled: stored }),
  },
  requestPayment: {
    name: "request-payment",
    read: check.readPayment,
    write: (stored) => ({ Payer: stored ?? "BucketOwner" }),
  },
  replication: {
    name: "replication",
    write: (stored) =>
      there(
        stored,
        "ReplicationConfigurationNotFoundError",
        "The replication configuration was not found",
      ),
  },
} satisfies Record<string, Setting>;

type SettingHandler = (input: BucketInput & object, context: RequestContext) => Promise<object>;

function rowsOf(
  deps: S3Deps,
  setting: Setting,
): { readonly put: SettingHandler; readonly get: SettingHandler; readonly remove: SettingHandler } {
  const { name } = setting;
  return {
    async put(input, context) {
      await deps.store.write((tx) => {
        const bucket = loadBucket(tx, input, { context, mode: deps.mode });
        const stored = setting.read?.(input, bucket);
        const { [name]: _before, ...others } = bucket.settings;
        const settings = stored === undefined ? others : { ...others, [name]: stored };
        const changed = { ...bucket, settings };
        saveBucket(tx, changed);
        setting.changed?.(tx, changed);
      });
      return {};
    },
    async get(input, context) {
      const bucket = await deps.store.read((reader) =>
        loadBucket(reader, input, { context, mode: deps.mode }),
      );
      return setting.write(bucket.settings[name]);
    },
    async remove(input, context) {
      await deps.store.write((tx) => {
        const bucket = loadBucket(tx, input, { context, mode: deps.mode });
        const { [name]: _gone, ...settings } = bucket.settings;
        const changed = { ...bucket, settings };
        saveBucket(tx, changed);
        setting.changed?.(tx, changed);
      });
      return {};
    },
  };
}
