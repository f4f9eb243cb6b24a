import * as sdk from "@aws-sdk/client-s3";
import type { OperationTable, Service } from "#protocol/service/service.ts";
import { defineService } from "#protocol/service/service.ts";
import type { S3Deps } from "./deps.ts";
import { bucketOperations } from "./operations/buckets.ts";
import { bucketSettingOperations } from "./operations/bucket-settings.ts";
import { notificationOperations } from "./notifications/notifications.ts";
import { multipartOperations } from "./operations/multipart.ts";
import { objectSettingOperations } from "./operations/object-settings.ts";
import { objectOperations } from "./operations/objects.ts";

/** The table. What has no row is answered by the protocol as not implemented. */
export function defineS3(deps: S3Deps): Service {
  const rows: OperationTable<typeof sdk> = {
    ...bucketOperations(deps),
    ...bucketSettingOperations(deps),
    ...objectOperations(deps),
    ...objectSettingOperations(deps),
    ...multipartOperations(deps),
    ...notificationOperations(deps),
  };
  return defineService<typeof sdk>(
    {
      sdkId: "S3",
      signingName: "s3",
      endpointPrefix: "s3",
      protocols: ["restXml"],
      apiVersion: "2006-03-01",
      xmlNamespace: "http://s3.amazonaws.com/doc/2006-03-01/",
      model: async () => sdk,
      overlapping: sdk,
      missingMembers: () => ({
        code: "MalformedXML",
        message:
          "The XML you provided was not well-formed or did not validate against our published schema",
      }),
    },
    rows,
  );
}
