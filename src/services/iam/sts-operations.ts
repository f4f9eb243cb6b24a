import {
  AssumeRole$,
  AssumeRoleWithWebIdentity$,
  GetAccessKeyInfo$,
  GetCallerIdentity$,
  GetFederationToken$,
  GetSessionToken$,
} from "@aws-sdk/client-sts";
import { createConstraintCheck } from "#protocol/constraints/constraints.ts";
import { defineService, type Service } from "#protocol/service/service.ts";
import { iamWording, missingMembers, stsConstraints } from "./constraints.ts";
import { assumeRole } from "./operations/assume-role.ts";
import { assumeRoleWithWebIdentity } from "./operations/assume-role-with-web-identity.ts";
import { getAccessKeyInfo, getCallerIdentity } from "./operations/callers.ts";
import { getFederationToken, getSessionToken } from "./operations/session-tokens.ts";
import type { Sts, StsDeps } from "./sts-deps.ts";

/** The table of STS, which shares IAM's folder because it shares its records. */
export function defineSts(deps: StsDeps): Service {
  const service = defineService<Sts>(
    {
      sdkId: "STS",
      signingName: "sts",
      endpointPrefix: "sts",
      protocols: ["awsQuery"],
      apiVersion: "2011-06-15",
      xmlNamespace: "https://sts.amazonaws.com/doc/2011-06-15/",
      model: () => import("@aws-sdk/client-sts"),
      missingMembers,
    },
    {
      AssumeRole: [AssumeRole$, assumeRole(deps)],
      AssumeRoleWithWebIdentity: [AssumeRoleWithWebIdentity$, assumeRoleWithWebIdentity(deps)],
      GetAccessKeyInfo: [GetAccessKeyInfo$, getAccessKeyInfo()],
      GetCallerIdentity: [GetCallerIdentity$, getCallerIdentity(deps)],
      GetFederationToken: [GetFederationToken$, getFederationToken(deps)],
      GetSessionToken: [GetSessionToken$, getSessionToken(deps)],
    },
  );
  return createConstraintCheck(stsConstraints, iamWording).guard(service);
}
