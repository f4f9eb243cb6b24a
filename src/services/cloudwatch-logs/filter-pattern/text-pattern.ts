import { compileRegex } from "./regex.ts";

/**
 * Terms in unstructured text. All must appear; with `?` in front of every term, any may; with `-` in
 * front, none of those. A `?` term beside other terms has no effect (the page's own example is
 * `?INFO REQUEST`). Case counts.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-unstructured-log-events.html
 */
export function compileTextPattern(text: string): ((message: string) => boolean) | undefined {
  const terms = readTerms(text);
  if (!terms) return undefined;
  const of = (kind: Term["kind"]): readonly Term[] => terms.filter((term) => term.kind === kind);
  const required = of("required");
  const excluded = of("excluded");
  const optional = required.length + excluded.length > 0 ? [] : of("optional");
  return (message) =>
    required.every(({ appearsIn }) => appearsIn(message)) &&
    !excluded.some(({ appearsIn }) => appearsIn(message)) &&
    (optional.length === 0 || optional.some(({ appearsIn }) => appearsIn(message)));
}

interface Term {
  readonly kind: "required" | "optional" | "excluded";
  readonly appearsIn: (message: string) => boolean;
}

const termForm = /([?-])?(?:"((?:[^"\\]|\\.)*)"|%([^%]*)%|([\w*]+))(?:\s+|$)/y;

function readTerms(text: string): readonly Term[] | undefined {
  const terms: Term[] = [];
  termForm.lastIndex = 0;
  while (termForm.lastIndex < text.length) {
    const found = termForm.exec(text);
    if (!found) return undefined;
    const [, sign, quoted, regex, word] = found;
    const kind = sign === "?" ? "optional" : sign === "-" ? "excluded" : "required";
    const appearsIn =
      regex === undefined
        ? contains(quoted === undefined ? (word ?? "") : unescapeQuoted(quoted))
        : compileRegex(regex);
    if (!appearsIn) return undefined;
    terms.push({ kind, appearsIn });
  }
  return terms;
}

function contains(term: string): (message: string) => boolean {
  return (message) => message.includes(term);
}

export function unescapeQuoted(text: string): string {
  return text.replaceAll(/\\(.)/g, "$1");
}
