// Generated parts of documents: each stands between two comments that name it, and a test finds it out of date.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const fromRoot = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

const testing = fromRoot("docs/testing.md");

/** What docs/testing.md has between the comments of this name. */
export function readSection(name: string): string {
  const text = readFileSync(testing, "utf8");
  const { from, to } = placeOf(text, name);
  return text.slice(from, to).trim();
}

export function writeSection(name: string, content: string): void {
  const text = readFileSync(testing, "utf8");
  const { from, to } = placeOf(text, name);
  writeFileSync(testing, `${text.slice(0, from)}\n${content}\n${text.slice(to)}`);
}

/** A Markdown table with its columns aligned, as the formatter wants it. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, column) =>
    Math.max(3, ...[header, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

function placeOf(text: string, name: string): { from: number; to: number } {
  const [begin, end] = [`<!-- ${name}: generated -->`, `<!-- ${name}: end -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`docs/testing.md has no section "${name}"`);
  return { from: from + begin.length, to };
}
