import {
  DeleteObjectTagging$,
  GetBucketAcl$,
  GetObjectAcl$,
  GetObjectAttributes$,
  GetObjectLegalHold$,
  GetObjectLockConfiguration$,
  GetObjectRetention$,
  GetObjectTagging$,
  PutBucketAcl$,
  PutObjectAcl$,
  PutObjectLegalHold$,
  PutObjectLockConfiguration$,
  PutObjectRetention$,
  PutObjectTagging$,
} from "@aws-sdk/client-s3";
import type { S3Deps, S3Rows } from "../deps.ts";
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from "./acls.ts";
import { getObjectAttributes } from "./get-object-attributes.ts";
import * as locks from "./object-locks.ts";
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from "./object-tagging.ts";

/** What is said of objects besides their bytes. */
export function objectSettingOperations(deps: S3Deps): S3Rows {
  return {
    PutObjectTagging: [PutObjectTagging$, (i, c) => putObjectTagging(deps, i, c)],
    GetObjectTagging: [GetObjectTagging$, (i, c) => getObjectTagging(deps, i, c)],
    DeleteObjectTagging: [DeleteObjectTagging$, (i, c) => deleteObjectTagging(deps, i, c)],
    GetObjectAttributes: [GetObjectAttributes$, (i, c) => getObjectAttributes(deps, i, c)],
    PutObjectRetention: [PutObjectRetention$, (i, c) => locks.putObjectRetention(deps, i, c)],
    GetObjectRetention: [GetObjectRetention$, (i, c) => locks.getObjectRetention(deps, i, c)],
    PutObjectLegalHold: [PutObjectLegalHold$, (i, c) => locks.putObjectLegalHold(deps, i, c)],
    GetObjectLegalHold: [GetObjectLegalHold$, (i, c) => locks.getObjectLegalHold(deps, i, c)],
    PutObjectLockConfiguration: [
      PutObjectLockConfiguration$,
      (i, c) => locks.putObjectLockConfiguration(deps, i, c),
    ],
    GetObjectLockConfiguration: [
      GetObjectLockConfiguration$,
      (i, c) => locks.getObjectLockConfiguration(deps, i, c),
    ],
    PutBucketAcl: [PutBucketAcl$, (i, c) => putBucketAcl(deps, i, c)],
    GetBucketAcl: [GetBucketAcl$, (i, c) => getBucketAcl(deps, i, c)],
    PutObjectAcl: [PutObjectAcl$, (i, c) => putObjectAcl(deps, i, c)],
    GetObjectAcl: [GetObjectAcl$, (i, c) => getObjectAcl(deps, i, c)],
  };
}
