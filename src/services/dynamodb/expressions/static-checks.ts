import { validation } from "../values/values.ts";
import { operatorsMax } from "./limits.ts";
import type { ExpressionParameter } from "./parser.ts";
import { isReserved } from "./reserved-words.ts";
import type {
  CallNode,
  Condition,
  Operand,
  PathNode,
  Projection,
  SetValue,
  Update,
} from "./tree.ts";

/** Functions that are conditions, and one that is an operand in them. */
const conditionFunctions = [
  "attribute_exists",
  "attribute_not_exists",
  "attribute_type",
  "begins_with",
  "contains",
];
const operandFunctions = ["size"];
const updateFunctions = ["if_not_exists", "list_append"];

/**
 * What can be said about an expression without names and values, in the order of production: unknown
 * functions, functions out of place, reserved words, too many operators. `ValidationException`.
 * The order is that of https://github.com/architect/dynalite/blob/main/db/conditionParser.pegjs (seen 2026-11).
 */
export function checkCondition(condition: Condition, parameter: ExpressionParameter): void {
  const nodes = conditionNodes(condition);
  for (const { call } of nodes.calls) {
    if (updateFunctions.includes(call.name)) {
      throw refuse(
        parameter,
        `The function is not allowed in a condition expression; function: ${call.name}`,
      );
    }
    if (![...conditionFunctions, ...operandFunctions].includes(call.name)) {
      throw refuse(parameter, `Invalid function name; function: ${call.name}`);
    }
  }
  for (const { call, isCondition } of nodes.calls) {
    if (isCondition === conditionFunctions.includes(call.name)) continue;
    throw refuse(
      parameter,
      `The function is not allowed to be used this way in an expression; function: ${call.name}`,
    );
  }
  checkNames(nodes.paths, parameter);
  if (nodes.operatorCount > operatorsMax) throw tooManyOperators(parameter, nodes.operatorCount);
}

/** As `checkCondition`; sections that stand there twice come after the names. */
export function checkUpdate(update: Update): void {
  const parameter = "UpdateExpression";
  const nodes = updateNodes(update);
  checkNames(nodes.paths, parameter);
  for (const { call } of nodes.calls) {
    if ([...conditionFunctions, ...operandFunctions].includes(call.name)) {
      throw refuse(
        parameter,
        `The function is not allowed in an update expression; function: ${call.name}`,
      );
    }
    if (!updateFunctions.includes(call.name)) {
      throw refuse(parameter, `Invalid function name; function: ${call.name}`);
    }
  }
  if (update.repeatedSection !== undefined) {
    throw refuse(
      parameter,
      `The "${update.repeatedSection}" section can only be used once in an update expression;`,
    );
  }
  if (nodes.operatorCount > operatorsMax) throw tooManyOperators(parameter, nodes.operatorCount);
}

/** As `checkCondition`. */
export function checkProjection(projection: Projection): void {
  checkNames(projection.paths, "ProjectionExpression");
}

function refuse(parameter: ExpressionParameter, sentence: string): Error {
  return validation(`Invalid ${parameter}: ${sentence}`);
}

/** The limit is documented, the sentence is ours. */
function tooManyOperators(parameter: ExpressionParameter, count: number): Error {
  return refuse(
    parameter,
    `The expression contains too many operators; operator count: ${count}, maximum: ${operatorsMax}`,
  );
}

function checkNames(paths: readonly PathNode[], parameter: ExpressionParameter): void {
  for (const path of paths) {
    for (const step of path.steps) {
      if (step.kind !== "name" || !isReserved(step.name)) continue;
      throw refuse(
        parameter,
        `Attribute name is a reserved keyword; reserved keyword: ${step.name}`,
      );
    }
  }
}

/** Everything of a kind in an expression, in the order it is written. */
interface Nodes {
  readonly paths: PathNode[];
  readonly calls: { readonly call: CallNode; readonly isCondition: boolean }[];
  operatorCount: number;
}

function conditionNodes(condition: Condition): Nodes {
  const nodes: Nodes = { paths: [], calls: [], operatorCount: 0 };
  const visit = (node: Condition): void => {
    nodes.operatorCount++;
    switch (node.kind) {
      case "and":
      case "or":
        visit(node.left);
        visit(node.right);
        break;
      case "not":
        visit(node.negated);
        break;
      case "compare":
        addOperands([node.left, node.right], nodes);
        break;
      case "between":
        addOperands([node.operand, node.low, node.high], nodes);
        break;
      case "in":
        addOperands([node.operand, ...node.among], nodes);
        break;
      case "call":
        nodes.calls.push({ call: node, isCondition: true });
        addOperands(node.operands, nodes);
    }
  };
  visit(condition);
  return nodes;
}

function updateNodes(update: Update): Nodes {
  const nodes: Nodes = { paths: [], calls: [], operatorCount: 0 };
  for (const action of update.actions) {
    nodes.paths.push(action.path);
    if (action.kind === "set") addOperands(setOperands(action.value, nodes), nodes);
  }
  return nodes;
}

function setOperands(value: SetValue, nodes: Nodes): readonly Operand[] {
  if (value.kind !== "sum") return [value];
  nodes.operatorCount++;
  return [value.left, value.right];
}

function addOperands(operands: readonly Operand[], nodes: Nodes): void {
  for (const operand of operands) {
    if (operand.kind === "path") nodes.paths.push(operand);
    if (operand.kind !== "call") continue;
    nodes.operatorCount++;
    nodes.calls.push({ call: operand, isCondition: false });
    addOperands(operand.operands, nodes);
  }
}
