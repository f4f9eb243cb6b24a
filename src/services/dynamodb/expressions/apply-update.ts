import { assert, unreachable } from "#base/assert.ts";
import {
  addNumbers,
  attributeOf,
  copyOf,
  nestingMax,
  setAttribute,
  subtractNumbers,
  tooNested,
  validation,
} from "../values/values.ts";
import type { AttributeValue, Item } from "../values/values.ts";
import type { BoundAction, BoundSetValue, BoundUpdate, Path } from "./bound.ts";
import { childOf, valueAt } from "./paths.ts";
import { withElements, withoutElements } from "./sets.ts";

/**
 * The item after the update; the given one stays as it is and shares what did not change. Every action sees
 * the item as it was before the first. Pass the key attributes alone when there is no item yet.
 * `ValidationException` for operands of the wrong type, attributes that are not there, paths that lead
 * nowhere, and numbers out of range. Sizes are not looked at.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
 */
export function applyUpdate(update: BoundUpdate, item: Item): Item {
  const edits: Edit = { children: new Map(), leaf: undefined };
  const written = update.actions.map((action) => ({
    action,
    value: action.kind === "set" ? computed(action.value, item) : undefined,
  }));
  for (const { action, value } of written) {
    const present = presentAt(action.path, item);
    addEdit(edits, action.path, value ?? resultOf(action, present, update.isLegacy));
  }
  const { M: result } = edited({ M: item }, edits);
  assert(result, "an item stays an item");
  return result;
}

const missingAttribute =
  "The provided expression refers to an attribute that does not exist in the item";
const wrongOperand = "An operand in the update expression has an incorrect data type";
const invalidPath = "The document path provided in the update expression is invalid for update";

function computed(value: BoundSetValue, item: Item): AttributeValue {
  switch (value.kind) {
    case "value":
      return value.value;
    case "path":
      return valueAt(item, value.path) ?? fail(missingAttribute);
    case "if_not_exists":
      return valueAt(item, value.path) ?? computed(value.otherwise, item);
    case "list_append": {
      const { L: left = fail(wrongOperand) } = computed(value.left, item);
      const { L: right = fail(wrongOperand) } = computed(value.right, item);
      return { L: [...left, ...right] };
    }
    case "+":
    case "-": {
      const { N: left = fail(wrongOperand) } = computed(value.left, item);
      const { N: right = fail(wrongOperand) } = computed(value.right, item);
      return { N: value.kind === "+" ? addNumbers(left, right) : subtractNumbers(left, right) };
    }
  }
  return unreachable(value);
}

function fail(sentence: string): never {
  throw validation(sentence);
}

/** What is at the path now; what leads there must be a map or a list already. */
function presentAt(path: Path, item: Item): AttributeValue | undefined {
  const [name, ...steps] = path;
  let value = attributeOf(item, name);
  for (const step of steps) {
    const isParent = typeof step === "number" ? value?.L : value?.M;
    if (value === undefined || isParent === undefined) return fail(invalidPath);
    value = childOf(value, step);
  }
  return value;
}

/** Undefined: nothing is to be there. */
function resultOf(
  action: BoundAction,
  present: AttributeValue | undefined,
  isLegacy: boolean,
): AttributeValue | undefined {
  const mismatch = isLegacy ? "Type mismatch for attribute to update" : wrongOperand;
  if (action.kind === "add") {
    if (present === undefined) return action.value;
    return sumOf(present, action.value) ?? fail(mismatch);
  }
  if (action.kind !== "delete" || present === undefined) return undefined;
  const difference = withoutElements(present, action.value);
  if (difference === undefined) return fail(mismatch);
  return difference === "empty" ? undefined : difference;
}

/** Lists only grow by `AttributeUpdates`; expressions refuse them before they get here. */
function sumOf(present: AttributeValue, added: AttributeValue): AttributeValue | undefined {
  if (added.N !== undefined) {
    return present.N === undefined ? undefined : { N: addNumbers(present.N, added.N) };
  }
  if (added.L !== undefined) {
    return present.L === undefined ? undefined : { L: [...present.L, ...added.L] };
  }
  return withElements(present, added);
}

/** What happens below one place of the item: either it is replaced or removed, or something in it is. */
interface Edit {
  readonly children: Map<string | number, Edit>;
  leaf: { readonly value: AttributeValue | undefined } | undefined;
}

function addEdit(root: Edit, path: Path, value: AttributeValue | undefined): void {
  let edit = root;
  for (const step of path) {
    const next = edit.children.get(step) ?? { children: new Map(), leaf: undefined };
    edit.children.set(step, next);
    edit = next;
  }
  edit.leaf = { value };
  if (value !== undefined) checkNesting(value, path.length);
}

/** `level` is the value's own: 1 is an attribute. */
function checkNesting(value: AttributeValue, level: number): void {
  if (level > nestingMax) throw tooNested();
  const children = value.L ?? (value.M === undefined ? [] : Object.values(value.M));
  for (const child of children) checkNesting(child, level + 1);
}

function edited(value: AttributeValue, edit: Edit): AttributeValue {
  if (value.L !== undefined) return { L: editedList(value.L, edit.children) };
  assert(value.M, "what leads to an edit is a map or a list");
  const map = copyOf(value.M);
  for (const [step, child] of edit.children) {
    const name = String(step);
    const result = editedChild(attributeOf(map, name), child);
    if (result === undefined) delete map[name];
    else setAttribute(map, name, result);
  }
  return { M: map };
}

function editedChild(present: AttributeValue | undefined, edit: Edit): AttributeValue | undefined {
  if (edit.leaf) return edit.leaf.value;
  assert(present, "what leads to an edit is there");
  return edited(present, edit);
}

/** Indexes are those before the update; what is set behind the end is appended in the order of the indexes. */
function editedList(
  list: readonly AttributeValue[],
  children: ReadonlyMap<string | number, Edit>,
): AttributeValue[] {
  const result: (AttributeValue | undefined)[] = [...list];
  const byIndex = [...children].toSorted(([left], [right]) => Number(left) - Number(right));
  for (const [step, edit] of byIndex) {
    const index = Number(step);
    if (index < list.length) result[index] = editedChild(list[index], edit);
    else if (edit.leaf) result.push(edit.leaf.value);
  }
  return result.filter((element) => element !== undefined);
}
