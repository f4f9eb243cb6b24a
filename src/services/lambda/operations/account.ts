import { provisionedTotal } from "#functions/registry/registry.ts";
import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { invalid } from "../errors.ts";
import {
  codeStorageBytesMax,
  unpackedBytesMax,
  unreservedConcurrencyMin,
  zippedBytesMax,
} from "../limits.ts";
import { wholeFunction } from "../reference.ts";
import { entryAt } from "./functions.ts";

/** GetAccountSettings, and the shares of the account's concurrency: Put-, Get-, DeleteFunctionConcurrency. */
export function accountOperations(scope: LambdaScope) {
  return {
    getAccountSettings: getAccountSettings(scope),
    putFunctionConcurrency: putFunctionConcurrency(scope),
    getFunctionConcurrency: getFunctionConcurrency(scope),
    deleteFunctionConcurrency: deleteFunctionConcurrency(scope),
  };
}

function getAccountSettings(scope: LambdaScope): LambdaHandler<"GetAccountSettings"> {
  return async (_input, context) => {
    const place = { accountId: context.principal.accountId, region: context.region };
    const usage = await scope.registry.read((view) => view.usage(place));
    return {
      AccountLimit: {
        TotalCodeSize: codeStorageBytesMax,
        CodeSizeUnzipped: unpackedBytesMax,
        CodeSizeZipped: zippedBytesMax,
        ConcurrentExecutions: scope.accountConcurrency,
        UnreservedConcurrentExecutions: scope.accountConcurrency - usage.reserved,
      },
      AccountUsage: { TotalCodeSize: usage.codeByteCount, FunctionCount: usage.functionCount },
    };
  };
}

function putFunctionConcurrency(scope: LambdaScope): LambdaHandler<"PutFunctionConcurrency"> {
  return async (input, context) => {
    const id = wholeFunction(input.FunctionName, context);
    const wanted = input.ReservedConcurrentExecutions;
    await scope.registry.write((edit) => {
      const entry = entryAt(edit, id);
      const provisioned = provisionedTotal(entry);
      if (wanted < provisioned) {
        throw invalid(
          `ReservedConcurrentExecutions  ${wanted} should not be lower than function's total ` +
            `provisioned concurrency [${provisioned}].`,
        );
      }
      const own = entry.reservedConcurrency ?? provisioned;
      const others = edit.usage(id).reserved - own;
      if (scope.accountConcurrency - others - wanted < unreservedConcurrencyMin) {
        throw invalid(
          "Specified ReservedConcurrentExecutions for function decreases account's " +
            `UnreservedConcurrentExecution below its minimum value of [${unreservedConcurrencyMin}].`,
        );
      }
      edit.functions.put(id, { ...entry, reservedConcurrency: wanted });
    });
    return { ReservedConcurrentExecutions: wanted };
  };
}

function getFunctionConcurrency(scope: LambdaScope): LambdaHandler<"GetFunctionConcurrency"> {
  return async (input, context) => {
    const id = wholeFunction(input.FunctionName, context);
    const { reservedConcurrency } = await scope.registry.read((view) => entryAt(view, id));
    return reservedConcurrency === undefined
      ? {}
      : { ReservedConcurrentExecutions: reservedConcurrency };
  };
}

function deleteFunctionConcurrency(scope: LambdaScope): LambdaHandler<"DeleteFunctionConcurrency"> {
  return async (input, context) => {
    const id = wholeFunction(input.FunctionName, context);
    await scope.registry.write((edit) => {
      edit.functions.put(id, { ...entryAt(edit, id), reservedConcurrency: undefined });
    });
    return {};
  };
}
