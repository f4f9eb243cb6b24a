import {
  AddLayerVersionPermission$,
  AddPermission$,
  CreateAlias$,
  CreateFunctionUrlConfig$,
  DeleteAlias$,
  DeleteFunctionConcurrency$,
  DeleteFunctionEventInvokeConfig$,
  DeleteFunctionUrlConfig$,
  DeleteLayerVersion$,
  DeleteProvisionedConcurrencyConfig$,
  GetAccountSettings$,
  GetAlias$,
  GetFunctionCodeSigningConfig$,
  GetFunctionConcurrency$,
  GetFunctionEventInvokeConfig$,
  GetFunctionRecursionConfig$,
  GetFunctionUrlConfig$,
  GetLayerVersion$,
  GetLayerVersionByArn$,
  GetLayerVersionPolicy$,
  GetPolicy$,
  GetProvisionedConcurrencyConfig$,
  GetRuntimeManagementConfig$,
  ListAliases$,
  ListFunctionEventInvokeConfigs$,
  ListFunctionUrlConfigs$,
  ListLayers$,
  ListLayerVersions$,
  ListProvisionedConcurrencyConfigs$,
  ListTags$,
  PublishLayerVersion$,
  PutFunctionConcurrency$,
  PutFunctionEventInvokeConfig$,
  PutFunctionRecursionConfig$,
  PutProvisionedConcurrencyConfig$,
  PutRuntimeManagementConfig$,
  RemoveLayerVersionPermission$,
  RemovePermission$,
  TagResource$,
  UntagResource$,
  UpdateAlias$,
  UpdateFunctionEventInvokeConfig$,
  UpdateFunctionUrlConfig$,
  CreateEventSourceMapping$,
  DeleteEventSourceMapping$,
  GetEventSourceMapping$,
  ListEventSourceMappings$,
  UpdateEventSourceMapping$,
} from "@aws-sdk/client-lambda";
import type * as Sdk from "@aws-sdk/client-lambda";
import type { OperationTable } from "#protocol/service/service.ts";
import type { CodeLinks } from "./code.ts";
import type { LambdaScope } from "./dependencies.ts";
import { codeRequestBytesMax } from "./limits.ts";
import { accountOperations } from "./operations/account.ts";
import { aliasOperations } from "./operations/aliases.ts";
import { eventInvokeOperations } from "./operations/event-invoke-configs.ts";
import { eventSourceMappingOperations } from "./operations/event-source-mappings.ts";
import { functionUrlOperations } from "./operations/function-urls.ts";
import { layerOperations } from "./operations/layers.ts";
import { layerPermissionOperations } from "./operations/layer-permissions.ts";
import { permissionOperations } from "./operations/permissions.ts";
import { provisionedConcurrencyOperations } from "./operations/provisioned-concurrency.ts";
import { runtimeManagementOperations } from "./operations/runtime-management.ts";
import { tagOperations } from "./operations/tags.ts";

/** Everything that hangs on functions, and layers. */
export function resourceTable(scope: LambdaScope, links: CodeLinks) {
  return {
    ...aliasTable(scope),
    ...layerTable(scope, links),
    ...accessTable(scope),
    ...settingsTable(scope),
    ...provisionedTable(scope),
    ...mappingTable(scope),
  } satisfies OperationTable<typeof Sdk>;
}

function mappingTable(scope: LambdaScope) {
  const mappings = eventSourceMappingOperations(scope);
  return {
    CreateEventSourceMapping: [CreateEventSourceMapping$, mappings.createEventSourceMapping],
    GetEventSourceMapping: [GetEventSourceMapping$, mappings.getEventSourceMapping],
    ListEventSourceMappings: [ListEventSourceMappings$, mappings.listEventSourceMappings],
    UpdateEventSourceMapping: [UpdateEventSourceMapping$, mappings.updateEventSourceMapping],
    DeleteEventSourceMapping: [DeleteEventSourceMapping$, mappings.deleteEventSourceMapping],
  } satisfies OperationTable<typeof Sdk>;
}

function aliasTable(scope: LambdaScope) {
  const aliases = aliasOperations(scope);
  return {
    CreateAlias: [CreateAlias$, aliases.createAlias],
    GetAlias: [GetAlias$, aliases.getAlias],
    UpdateAlias: [UpdateAlias$, aliases.updateAlias],
    DeleteAlias: [DeleteAlias$, aliases.deleteAlias],
    ListAliases: [ListAliases$, aliases.listAliases],
  } satisfies OperationTable<typeof Sdk>;
}

function layerTable(scope: LambdaScope, links: CodeLinks) {
  const layers = layerOperations(scope, links);
  const access = layerPermissionOperations(scope);
  return {
    PublishLayerVersion: [
      PublishLayerVersion$,
      layers.publishLayerVersion,
      { bodyBytesMax: codeRequestBytesMax },
    ],
    GetLayerVersion: [GetLayerVersion$, layers.getLayerVersion],
    GetLayerVersionByArn: [GetLayerVersionByArn$, layers.getLayerVersionByArn],
    ListLayers: [ListLayers$, layers.listLayers],
    ListLayerVersions: [ListLayerVersions$, layers.listLayerVersions],
    DeleteLayerVersion: [DeleteLayerVersion$, layers.deleteLayerVersion],
    AddLayerVersionPermission: [AddLayerVersionPermission$, access.addLayerVersionPermission],
    RemoveLayerVersionPermission: [
      RemoveLayerVersionPermission$,
      access.removeLayerVersionPermission,
    ],
    GetLayerVersionPolicy: [GetLayerVersionPolicy$, access.getLayerVersionPolicy],
  } satisfies OperationTable<typeof Sdk>;
}

function accessTable(scope: LambdaScope) {
  const urls = functionUrlOperations(scope);
  const permissions = permissionOperations(scope);
  const tags = tagOperations(scope);
  return {
    CreateFunctionUrlConfig: [CreateFunctionUrlConfig$, urls.createFunctionUrlConfig],
    GetFunctionUrlConfig: [GetFunctionUrlConfig$, urls.getFunctionUrlConfig],
    UpdateFunctionUrlConfig: [UpdateFunctionUrlConfig$, urls.updateFunctionUrlConfig],
    DeleteFunctionUrlConfig: [DeleteFunctionUrlConfig$, urls.deleteFunctionUrlConfig],
    ListFunctionUrlConfigs: [ListFunctionUrlConfigs$, urls.listFunctionUrlConfigs],
    AddPermission: [AddPermission$, permissions.addPermission],
    RemovePermission: [RemovePermission$, permissions.removePermission],
    GetPolicy: [GetPolicy$, permissions.getPolicy],
    TagResource: [TagResource$, tags.tagResource],
    UntagResource: [UntagResource$, tags.untagResource],
    ListTags: [ListTags$, tags.listTags],
  } satisfies OperationTable<typeof Sdk>;
}

function provisionedTable(scope: LambdaScope) {
  const provisioned = provisionedConcurrencyOperations(scope);
  return {
    PutProvisionedConcurrencyConfig: [
      PutProvisionedConcurrencyConfig$,
      provisioned.putProvisionedConcurrencyConfig,
    ],
    GetProvisionedConcurrencyConfig: [
      GetProvisionedConcurrencyConfig$,
      provisioned.getProvisionedConcurrencyConfig,
    ],
    DeleteProvisionedConcurrencyConfig: [
      DeleteProvisionedConcurrencyConfig$,
      provisioned.deleteProvisionedConcurrencyConfig,
    ],
    ListProvisionedConcurrencyConfigs: [
      ListProvisionedConcurrencyConfigs$,
      provisioned.listProvisionedConcurrencyConfigs,
    ],
  } satisfies OperationTable<typeof Sdk>;
}

function settingsTable(scope: LambdaScope) {
  const account = accountOperations(scope);
  const events = eventInvokeOperations(scope);
  const runtime = runtimeManagementOperations(scope);
  return {
    GetAccountSettings: [GetAccountSettings$, account.getAccountSettings],
    PutFunctionConcurrency: [PutFunctionConcurrency$, account.putFunctionConcurrency],
    GetFunctionConcurrency: [GetFunctionConcurrency$, account.getFunctionConcurrency],
    DeleteFunctionConcurrency: [DeleteFunctionConcurrency$, account.deleteFunctionConcurrency],
    PutFunctionEventInvokeConfig: [
      PutFunctionEventInvokeConfig$,
      events.putFunctionEventInvokeConfig,
    ],
    UpdateFunctionEventInvokeConfig: [
      UpdateFunctionEventInvokeConfig$,
      events.updateFunctionEventInvokeConfig,
    ],
    GetFunctionEventInvokeConfig: [
      GetFunctionEventInvokeConfig$,
      events.getFunctionEventInvokeConfig,
    ],
    DeleteFunctionEventInvokeConfig: [
      DeleteFunctionEventInvokeConfig$,
      events.deleteFunctionEventInvokeConfig,
    ],
    ListFunctionEventInvokeConfigs: [
      ListFunctionEventInvokeConfigs$,
      events.listFunctionEventInvokeConfigs,
    ],
    PutRuntimeManagementConfig: [PutRuntimeManagementConfig$, runtime.putRuntimeManagementConfig],
    GetRuntimeManagementConfig: [GetRuntimeManagementConfig$, runtime.getRuntimeManagementConfig],
    PutFunctionRecursionConfig: [PutFunctionRecursionConfig$, runtime.putFunctionRecursionConfig],
    GetFunctionRecursionConfig: [GetFunctionRecursionConfig$, runtime.getFunctionRecursionConfig],
    GetFunctionCodeSigningConfig: [
      GetFunctionCodeSigningConfig$,
      runtime.getFunctionCodeSigningConfig,
    ],
  } satisfies OperationTable<typeof Sdk>;
}
