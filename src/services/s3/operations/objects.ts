import {
  CopyObject$,
  DeleteObject$,
  DeleteObjects$,
  GetObject$,
  HeadObject$,
  ListObjects$,
  ListObjectsV2$,
  ListObjectVersions$,
  PutObject$,
} from "@aws-sdk/client-s3";
import type { S3Deps, S3Rows } from "../deps.ts";
import { copyObject } from "./copy-object.ts";
import { deleteObject, deleteObjects } from "./delete-objects.ts";
import { getObject, headObject, statusOfRead } from "./get-object.ts";
import { listObjectVersions } from "./list-object-versions.ts";
import { listObjects, listObjectsV2 } from "./list-objects.ts";
import { putObject } from "./put-object.ts";

/** Objects in one piece, and what there is in a bucket. */
export function objectOperations(deps: S3Deps): S3Rows {
  const isPartial = { statusOf: statusOfRead };
  return {
    PutObject: [PutObject$, (input, context) => putObject(deps, input, context)],
    CopyObject: [CopyObject$, (input, context) => copyObject(deps, input, context)],
    GetObject: [GetObject$, (input, context) => getObject(deps, input, context), isPartial],
    HeadObject: [HeadObject$, (input, context) => headObject(deps, input, context), isPartial],
    DeleteObject: [DeleteObject$, (input, context) => deleteObject(deps, input, context)],
    DeleteObjects: [DeleteObjects$, (input, context) => deleteObjects(deps, input, context)],
    ListObjects: [ListObjects$, (input, context) => listObjects(deps, input, context)],
    ListObjectsV2: [ListObjectsV2$, (input, context) => listObjectsV2(deps, input, context)],
    ListObjectVersions: [
      ListObjectVersions$,
      (input, context) => listObjectVersions(deps, input, context),
    ],
  };
}
