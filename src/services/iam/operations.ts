import { createConstraintCheck } from "#protocol/constraints/constraints.ts";
import { defineService, type Service } from "#protocol/service/service.ts";
import { iamConstraints, iamWording, missingMembers } from "./constraints.ts";
import type { Iam, IamDeps } from "./deps.ts";
import { accessKeyOperations } from "./operations/access-keys.ts";
import { accountOperations } from "./operations/account.ts";
import { attachedPolicyOperations } from "./operations/attached-policies.ts";
import { groupOperations } from "./operations/groups.ts";
import { inlinePolicyOperations } from "./operations/inline-policies.ts";
import { instanceProfileOperations } from "./operations/instance-profiles.ts";
import { policyOperations } from "./operations/policies.ts";
import { roleOperations } from "./operations/roles.ts";
import { serviceLinkedRoleOperations } from "./operations/service-linked-roles.ts";
import { tagOperations } from "./operations/tags.ts";
import { userOperations } from "./operations/users.ts";

/** IAM's table. What has no row is answered by the protocol as not implemented. */
export function defineIam(deps: IamDeps): Service {
  const service = defineService<Iam>(
    {
      sdkId: "IAM",
      signingName: "iam",
      endpointPrefix: "iam",
      protocols: ["awsQuery"],
      apiVersion: "2010-05-08",
      xmlNamespace: "https://iam.amazonaws.com/doc/2010-05-08/",
      model: () => import("@aws-sdk/client-iam"),
      missingMembers,
    },
    {
      ...roleOperations(deps),
      ...userOperations(deps),
      ...groupOperations(deps),
      ...accessKeyOperations(deps),
      ...policyOperations(deps),
      ...inlinePolicyOperations(deps),
      ...attachedPolicyOperations(deps),
      ...instanceProfileOperations(deps),
      ...tagOperations(deps),
      ...accountOperations(deps),
      ...serviceLinkedRoleOperations(deps),
    },
  );
  return createConstraintCheck(iamConstraints, iamWording).guard(service);
}
