import { regexNodesMax } from "../limits.ts";

/**
 * The regular expressions of filter patterns: literals, classes, `.`, anchors, `? * + {m,n}` and `|`,
 * and no groups. Matched by walking all alternatives at once, so no expression can be made slow: a
 * caller's pattern runs over megabytes of a stranger's text.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html (seen 2026-11)
 *
 * Undefined when the expression uses anything else, or grows beyond `regexNodesMax`.
 */
export function compileRegex(source: string): ((text: string) => boolean) | undefined {
  if (source === "" || /[^\w:#=@/;,\- ^$?[\]{}|\\*+.]/.test(source)) return undefined;
  const branches: Branch[] = [];
  for (const part of splitBranches(source)) {
    const branch = readBranch(part);
    if (!branch) return undefined;
    branches.push(branch);
  }
  const nodeCount = branches.reduce((total, { nodes }) => total + nodes.length, 0);
  if (nodeCount > regexNodesMax) return undefined;
  return (text) => branches.some((branch) => matches(branch, text));
}

interface Branch {
  readonly nodes: readonly Node[];
  readonly isStartAnchored: boolean;
  readonly isEndAnchored: boolean;
}

/** One character, once, optionally, or any number of times. */
interface Node {
  readonly accepts: (code: number) => boolean;
  readonly isOptional: boolean;
  readonly isRepeated: boolean;
}

/** At bars that are neither escaped nor inside a class. */
function splitBranches(source: string): readonly string[] {
  const parts = source.match(/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^|\\])+/g);
  return parts ?? [];
}

const elementForm =
  /(\\.|\[\^?(?:\\.|[^\]\\])+\]|[^\\[\]{}?*+^$])(\?|\*|\+|\{(\d{1,4})(?:(,)(\d{1,4})?)?\})?/y;

function readBranch(part: string): Branch | undefined {
  const isStartAnchored = part.startsWith("^");
  const isEndAnchored = /(^|[^\\])(\\\\)*\$$/.test(part);
  const body = part.slice(isStartAnchored ? 1 : 0, isEndAnchored ? -1 : undefined);
  const nodes: Node[] = [];
  elementForm.lastIndex = 0;
  while (elementForm.lastIndex < body.length) {
    const found = elementForm.exec(body);
    const accepts = found && readAtom(found[1] ?? "");
    if (!accepts) return undefined;
    nodes.push(...repeat(accepts, found));
    if (nodes.length > regexNodesMax) return undefined;
  }
  return { nodes, isStartAnchored, isEndAnchored };
}

function repeat(accepts: Node["accepts"], found: RegExpExecArray): readonly Node[] {
  const [, , quantifier, least = "", comma, most] = found;
  const once = { accepts, isOptional: false, isRepeated: false };
  const maybe = { accepts, isOptional: true, isRepeated: false };
  const any = { accepts, isOptional: true, isRepeated: true };
  if (quantifier === undefined) return [once];
  if (quantifier === "?") return [maybe];
  if (quantifier === "*") return [any];
  if (quantifier === "+") return [once, any];
  const min = Math.min(Number(least), regexNodesMax + 1);
  const nodes: Node[] = Array.from({ length: min }, () => once);
  if (comma === undefined) return nodes;
  if (most === undefined) return [...nodes, any];
  const extra = Math.min(Math.max(0, Number(most) - min), regexNodesMax + 1);
  return [...nodes, ...Array.from({ length: extra }, () => maybe)];
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isWord = (code: number): boolean =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13);

const classes: Readonly<Record<string, Node["accepts"]>> = {
  d: isDigit,
  D: (code) => !isDigit(code),
  w: isWord,
  W: (code) => !isWord(code),
  s: isSpace,
  S: (code) => !isSpace(code),
};

function readAtom(text: string): Node["accepts"] | undefined {
  if (text === ".") return (code) => code !== 10;
  if (text.startsWith("[")) return readClass(text.slice(1, -1));
  if (!text.startsWith("\\")) return (code) => code === text.charCodeAt(0);
  return readEscape(text.charAt(1));
}

function readEscape(letter: string): Node["accepts"] | undefined {
  const known = classes[letter];
  if (known) return known;
  if (/[a-zA-Z0-9]/.test(letter)) return undefined;
  return (code) => code === letter.charCodeAt(0);
}

function readClass(body: string): Node["accepts"] | undefined {
  const isNegated = body.startsWith("^");
  const members: Node["accepts"][] = [];
  const items = body.slice(isNegated ? 1 : 0).match(/\\.|[^\\](?:-[^\\\]])?/g) ?? [];
  for (const item of items) {
    const member = item.startsWith("\\") ? readEscape(item.charAt(1)) : readRange(item);
    if (!member) return undefined;
    members.push(member);
  }
  if (members.length === 0) return undefined;
  return (code) => members.some((accepts) => accepts(code)) !== isNegated;
}

function readRange(item: string): Node["accepts"] | undefined {
  const from = item.charCodeAt(0);
  if (item.length < 3) return (code) => code === from;
  const to = item.charCodeAt(2);
  return from <= to ? (code) => code >= from && code <= to : undefined;
}

/** Simulates the expression: `active[i]` says that the text so far can be followed by node i. */
function matches({ nodes, isStartAnchored, isEndAnchored }: Branch, text: string): boolean {
  let active = new Uint8Array(nodes.length + 1);
  let next = new Uint8Array(nodes.length + 1);
  for (let at = 0; ; at++) {
    if (at === 0 || !isStartAnchored) activate(nodes, active, 0);
    const isDone = active[nodes.length] === 1;
    if (isDone && (!isEndAnchored || at === text.length)) return true;
    if (at === text.length) return false;
    const code = text.charCodeAt(at);
    next.fill(0);
    for (let index = 0; index < nodes.length; index++) {
      const node = nodes[index];
      if (active[index] === 0 || !node?.accepts(code)) continue;
      activate(nodes, next, node.isRepeated ? index : index + 1);
    }
    [active, next] = [next, active];
  }
}

/** A node that may be left out makes the one behind it active too. */
function activate(nodes: readonly Node[], states: Uint8Array, from: number): void {
  for (let index = from; index <= nodes.length && states[index] === 0; index++) {
    states[index] = 1;
    if (!nodes[index]?.isOptional) return;
  }
}
