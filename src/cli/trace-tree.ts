/** A span as `/_skerry/traces/<id>` gives it. Times are epoch milliseconds with fractions. */
export interface TraceSpan {
  readonly spanId: string;
  readonly parentId?: string;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly error?: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

const barWidth = 24;

/** Lines of a tree: name, start, duration, a bar on the trace's time line, attributes, error. */
export function renderTree(spans: readonly TraceSpan[]): string[] {
  const startMs = Math.min(...spans.map((span) => span.startMs));
  const endMs = Math.max(...spans.map((span) => span.endMs));
  const ids = new Set(spans.map((span) => span.spanId));
  const roots = spans.filter((span) => span.parentId === undefined || !ids.has(span.parentId));
  const rows: { label: string; span: TraceSpan }[] = [];
  const visit = (span: TraceSpan, indent: string, branch: string): void => {
    rows.push({ label: `${indent}${branch}${span.name}`, span });
    const children = spans.filter((child) => child.parentId === span.spanId);
    const below = branch === "" ? indent : indent + (branch === "└ " ? "  " : "│ ");
    children.forEach((child, index) =>
      visit(child, below, index === children.length - 1 ? "└ " : "├ "),
    );
  };
  for (const root of roots) visit(root, "", "");
  const labelWidth = Math.max(...rows.map((row) => row.label.length));
  return rows.map(({ label, span }) => {
    const start = `+${(span.startMs - startMs).toFixed(1)}`.padStart(9);
    const took = `${(span.endMs - span.startMs).toFixed(1)} ms`.padStart(11);
    const bar = timeBar(span, startMs, Math.max(endMs - startMs, 0.001));
    const attributes = Object.entries(span.attributes).map(([name, value]) => `${name}=${value}`);
    const notes = [...attributes, ...(span.error === undefined ? [] : [`ERROR ${span.error}`])];
    return `${label.padEnd(labelWidth)} ${start} ${took}  ${bar}  ${notes.join(" ")}`.trimEnd();
  });
}

function timeBar(span: TraceSpan, startMs: number, totalMs: number): string {
  const from = Math.min(barWidth - 1, Math.floor(((span.startMs - startMs) / totalMs) * barWidth));
  const to = Math.max(from + 1, Math.ceil(((span.endMs - startMs) / totalMs) * barWidth));
  return (
    " ".repeat(from) +
    "━".repeat(Math.min(to, barWidth) - from) +
    " ".repeat(barWidth - Math.min(to, barWidth))
  );
}
