import {
  CreateServiceLinkedRole$,
  DeleteServiceLinkedRole$,
  GetServiceLinkedRoleDeletionStatus$,
} from "@aws-sdk/client-iam";
import { uuid } from "#base/ids.ts";
import type { Handler } from "#protocol/service/service.ts";
import type { Iam, IamDeps, IamRows } from "../deps.ts";
import { invalidInput, noSuchEntity } from "../errors.ts";
import { createIdentity, deleteIdentity, findIdentity, loadRole } from "../identities.ts";
import { roleSessionSecondsDefault } from "../limits.ts";
import { newId } from "../names.ts";
import type { RoleRecord } from "../records.ts";
import { roleShape } from "../shapes.ts";

/** Roles that belong to a service: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html */
export function serviceLinkedRoleOperations(deps: IamDeps): IamRows {
  return {
    CreateServiceLinkedRole: [CreateServiceLinkedRole$, create(deps)],
    DeleteServiceLinkedRole: [DeleteServiceLinkedRole$, remove(deps)],
    GetServiceLinkedRoleDeletionStatus: [GetServiceLinkedRoleDeletionStatus$, status(deps)],
  };
}

/** Where the name is not simply the service's with a capital letter. */
const roleNames: Readonly<Record<string, string>> = {
  "autoscaling.amazonaws.com": "AWSServiceRoleForAutoScaling",
  "dynamodb.application-autoscaling.amazonaws.com":
    "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
  "ecs.amazonaws.com": "AWSServiceRoleForECS",
  "ecs.application-autoscaling.amazonaws.com": "AWSServiceRoleForApplicationAutoScaling_ECSService",
  "elasticache.amazonaws.com": "AWSServiceRoleForElastiCache",
  "elasticbeanstalk.amazonaws.com": "AWSServiceRoleForElasticBeanstalk",
  "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
  "es.amazonaws.com": "AWSServiceRoleForAmazonElasticsearchService",
  "events.amazonaws.com": "AWSServiceRoleForCloudWatchEvents",
  "lambda.application-autoscaling.amazonaws.com":
    "AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency",
  "ops.apigateway.amazonaws.com": "AWSServiceRoleForAPIGateway",
  "rds.amazonaws.com": "AWSServiceRoleForRDS",
  "replicator.lambda.amazonaws.com": "AWSServiceRoleForLambdaReplicator",
};

function create({ store, clock, random }: IamDeps): Handler<Iam, "CreateServiceLinkedRole"> {
  return async (input, { principal: { accountId } }) => {
    const service = input.AWSServiceName;
    const first = service.split(".")[0] ?? service;
    if (!service.endsWith(".amazonaws.com")) {
      throw invalidInput(`The specified AWS service name ${service} is not valid.`);
    }
    const known = roleNames[service];
    const base = known ?? `AWSServiceRoleFor${first.charAt(0).toUpperCase()}${first.slice(1)}`;
    const name = input.CustomSuffix === undefined ? base : `${base}_${input.CustomSuffix}`;
    const statement = {
      Effect: "Allow",
      Principal: { Service: service },
      Action: ["sts:AssumeRole"],
    };
    const record: RoleRecord = {
      kind: "role",
      name,
      path: `/aws-service-role/${service}/`,
      id: newId("role", random),
      createdAtMs: clock.nowMs(),
      trustPolicy: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
      maxSessionSeconds: roleSessionSecondsDefault,
      tags: [],
      inline: [],
      attached: [],
      ...(input.Description !== undefined && { description: input.Description }),
    };
    await store.write((tx) => {
      if (findIdentity(tx, accountId, record)) {
        throw invalidInput(
          `Service role name ${name} has been taken in this account, please try a different suffix.`,
        );
      }
      createIdentity(tx, accountId, record);
    });
    return { Role: roleShape(accountId, record, "full") };
  };
}

/** The role is gone when this answers; the task it names has nothing left to do. */
function remove({ store, random }: IamDeps): Handler<Iam, "DeleteServiceLinkedRole"> {
  return async (input, { principal: { accountId } }) => {
    const record = await store.write((tx) => {
      const role = loadRole(tx, accountId, input.RoleName);
      if (!role.path.startsWith("/aws-service-role/")) {
        throw noSuchEntity(`The role with name ${role.name} cannot be found.`);
      }
      deleteIdentity(tx, accountId, role);
      return role;
    });
    return { DeletionTaskId: `task${record.path}${record.name}/${uuid(random)}` };
  };
}

function status({ store }: IamDeps): Handler<Iam, "GetServiceLinkedRoleDeletionStatus"> {
  return async ({ DeletionTaskId: taskId }, { principal: { accountId } }) => {
    const name = /^task\/aws-service-role\/[^/]+\/([^/]+)\/[0-9a-f-]{36}$/.exec(taskId)?.[1];
    if (name === undefined) throw noSuchEntity(`Deletion task ${taskId} cannot be found.`);
    const role = await store.read((reader) =>
      findIdentity(reader, accountId, { kind: "role", name }),
    );
    return { Status: role ? "NOT_STARTED" : "SUCCEEDED" };
  };
}
