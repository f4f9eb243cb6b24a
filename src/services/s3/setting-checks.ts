import type { Input } from "./deps.ts";
import { invalidArgument, malformedXml, notImplemented, s3Error } from "./errors.ts";
import { corsRulesMax, policyBytesMax } from "./limits.ts";
import type { BucketRecord } from "./records.ts";
import { readTagSet, tagSet } from "./tags.ts";

/** Each reads what its Put operation stores; the operation's row gives it its own input. */

const corsMethods = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html (seen 2026-11) */
export function readCors(input: object): unknown {
  const { CORSConfiguration } = input as Input<"PutBucketCors">; // its row
  const rules = CORSConfiguration.CORSRules ?? [];
  if (rules.length === 0 || rules.length > corsRulesMax) throw malformedXml();
  for (const { AllowedMethods = [], AllowedOrigins = [], AllowedHeaders = [] } of rules) {
    const unknown = AllowedMethods.find((method) => !corsMethods.includes(method));
    if (unknown !== undefined) {
      throw s3Error(
        "InvalidRequest",
        `Found unsupported HTTP method in CORS config. Unsupported method is ${unknown}`,
      );
    }
    const wild = [...AllowedOrigins, ...AllowedHeaders].find((text) => text.split("*").length > 2);
    if (wild !== undefined) {
      const kind = AllowedOrigins.includes(wild) ? "AllowedOrigin" : "AllowedHeader";
      throw s3Error("InvalidRequest", `${kind} "${wild}" can not have more than one wildcard.`);
    }
  }
  return { CORSRules: rules };
}

export function readEncryption(input: object): unknown {
  const { ServerSideEncryptionConfiguration } = input as Input<"PutBucketEncryption">; // its row
  const { Rules: rules } = ServerSideEncryptionConfiguration;
  const [rule] = rules ?? [];
  if (!rule || (rules?.length ?? 0) > 1) throw malformedXml();
  const { SSEAlgorithm, KMSMasterKeyID } = rule.ApplyServerSideEncryptionByDefault ?? {};
  if (SSEAlgorithm !== undefined && !["AES256", "aws:kms", "aws:kms:dsse"].includes(SSEAlgorithm)) {
    throw malformedXml();
  }
  if (SSEAlgorithm === "AES256" && KMSMasterKeyID !== undefined) {
    throw invalidArgument(
      "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
      "ApplyServerSideEncryptionByDefault",
      SSEAlgorithm,
    );
  }
  return ServerSideEncryptionConfiguration;
}

/** What every bucket has without being told. https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html */
export const defaultEncryption = {
  Rules: [
    {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" },
      BucketKeyEnabled: false,
    },
  ],
};

const ownerships = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"];

export function readOwnership(input: object): unknown {
  const { OwnershipControls } = input as Input<"PutBucketOwnershipControls">; // its row
  const [rule] = OwnershipControls.Rules ?? [];
  if (!rule || !ownerships.includes(rule.ObjectOwnership ?? "")) throw malformedXml();
  return OwnershipControls;
}

/** What new buckets have. https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html */
export const newBucketSettings = {
  "ownership-controls": { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
  "public-access-block": {
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  },
};

export function readPublicAccess(input: object): unknown {
  const { PublicAccessBlockConfiguration: wanted } = input as Input<"PutPublicAccessBlock">; // its row
  return {
    BlockPublicAcls: wanted.BlockPublicAcls ?? false,
    IgnorePublicAcls: wanted.IgnorePublicAcls ?? false,
    BlockPublicPolicy: wanted.BlockPublicPolicy ?? false,
    RestrictPublicBuckets: wanted.RestrictPublicBuckets ?? false,
  };
}

interface Statement {
  readonly Effect?: unknown;
  readonly Principal?: unknown;
  readonly Action?: unknown;
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Condition?: unknown;
}

/** Kept word for word. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html (seen 2026-11) */
export function readPolicy(input: object, bucket: BucketRecord): unknown {
  const { Policy: text } = input as Input<"PutBucketPolicy">; // its row
  if (Buffer.byteLength(text) > policyBytesMax) {
    throw s3Error("PolicyTooLarge", "The policy document is larger than the maximum allowed size");
  }
  const statements = statementsOf(text);
  if (!statements) {
    throw malformedPolicy("Policies must be valid JSON and the first byte must be '{'");
  }
  if (statements.length === 0) throw malformedPolicy("Missing required field Statement");
  for (const { Effect, Principal, Action, NotAction, Resource, NotResource } of statements) {
    if (Effect !== "Allow" && Effect !== "Deny")
      throw malformedPolicy("Missing required field Effect");
    if (Principal === undefined) throw malformedPolicy("Missing required field Principal");
    if ((Action ?? NotAction) === undefined) throw malformedPolicy("Missing required field Action");
    const resources: unknown[] = [Resource ?? NotResource ?? []].flat();
    if (resources.length === 0) throw malformedPolicy("Missing required field Resource");
    const own = `arn:aws:s3:::${bucket.name}`;
    const isOwn = (arn: unknown): boolean =>
      typeof arn === "string" && (arn === own || arn.startsWith(`${own}/`));
    if (!resources.every(isOwn)) {
      throw malformedPolicy("Policy has invalid resource");
    }
  }
  return text;
}

function statementsOf(text: string): readonly Statement[] | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const { Statement: found = [] } = JSON.parse(text) as { Statement?: Statement | Statement[] }; // members are checked one by one
    return [found].flat().filter((each) => typeof each === "object" && each !== null);
  } catch {
    return undefined;
  }
}

function malformedPolicy(message: string): Error {
  return s3Error("MalformedPolicy", message);
}

/** Public: somebody who is not named may do something, under no condition. */
export function policyStatus(stored: unknown): object {
  if (typeof stored !== "string") {
    throw s3Error("NoSuchBucketPolicy", "The bucket policy does not exist", { status: 404 });
  }
  const isPublic = (statementsOf(stored) ?? []).some(({ Effect, Principal, Condition }) => {
    const named =
      typeof Principal === "object" && Principal !== null && "AWS" in Principal
        ? Principal.AWS
        : Principal;
    return Effect === "Allow" && Condition === undefined && [named].flat().includes("*");
  });
  return { PolicyStatus: { IsPublic: isPublic } };
}

export function readTagging(input: object): unknown {
  const { Tagging } = input as Input<"PutBucketTagging">; // its row
  return { TagSet: tagSet(readTagSet(Tagging, "bucket")) };
}

export function readWebsite(input: object): unknown {
  const { WebsiteConfiguration: website } = input as Input<"PutBucketWebsite">; // its row
  const { IndexDocument, RedirectAllRequestsTo, RoutingRules, ErrorDocument } = website;
  if (RedirectAllRequestsTo) {
    if (IndexDocument ?? RoutingRules ?? ErrorDocument) throw malformedXml();
    return website;
  }
  const suffix = IndexDocument?.Suffix;
  if (suffix === undefined || suffix === "" || suffix.includes("/")) {
    throw invalidArgument(
      "The IndexDocument Suffix is not well formed",
      "IndexDocument",
      suffix ?? "",
    );
  }
  return website;
}

export function readAccelerate(input: object): unknown {
  const { AccelerateConfiguration } = input as Input<"PutBucketAccelerateConfiguration">; // its row
  const { Status: status } = AccelerateConfiguration;
  if (status !== "Enabled" && status !== "Suspended") throw malformedXml();
  return status;
}

/** Remembered; no access logs are delivered. */
export function readLogging(input: object): unknown {
  const { BucketLoggingStatus } = input as Input<"PutBucketLogging">; // its row
  return BucketLoggingStatus.LoggingEnabled;
}

export function readPayment(input: object): unknown {
  const { RequestPaymentConfiguration } = input as Input<"PutBucketRequestPayment">; // its row
  const { Payer: payer } = RequestPaymentConfiguration;
  if (payer === "Requester") throw notImplemented("Requester pays");
  if (payer !== "BucketOwner") throw malformedXml();
  return payer;
}
