interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

const functionTypes = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
]);

/**
 * Every function in a parsed file with its name (or the name it is bound to) and length in lines.
 * `createX` functions that only return a closure are counted like any other.
 */
export function functionLengths(
  program: unknown,
  text: string,
): { readonly name: string; readonly lines: number }[] {
  const found: { name: string; lines: number }[] = [];
  walk(program, "anonymous");
  return found;

  function walk(value: unknown, boundName: string): void {
    if (Array.isArray(value)) {
      for (const item of value) walk(item, boundName);
      return;
    }
    if (!isNode(value)) return;
    if (functionTypes.has(value.type)) {
      const name = nameOf(value) ?? boundName;
      found.push({ name, lines: text.slice(value.start, value.end).split("\n").length });
    }
    const name = nameOf(value) ?? boundName;
    for (const [field, child] of Object.entries(value)) {
      if (field !== "parent" && typeof child === "object" && child !== null) walk(child, name);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

/** The identifier a declaration, property or method introduces. */
function nameOf(node: Node): string | undefined {
  const holder = node as Node & {
    readonly id?: { readonly name?: string } | null;
    readonly key?: { readonly name?: string };
  };
  return holder.id?.name ?? holder.key?.name;
}
