// Which tests cite which rule of docs/protocol.md. `npm run docs` writes the table; `npm test` finds it out of date.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { plantedBugs } from "../test/sabotage/bugs/all.ts";
import { markdownTable, writeSection } from "./document.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Layer {
  title: string;
  files: string;
  /** A file as people call it in the table. */
  nameOf(path: string): string;
}

const layers: Layer[] = [
  { title: "Unit", files: "test/unit/**/*.ts", nameOf: (path) => nameAfter(path, "test/unit/") },
  { title: "Workerd", files: "test/workerd/**/*.ts", nameOf: (path) => nameAfter(path, "test/workerd/") },
  { title: "Simulator", files: "sim/{checker,checks/*}.ts", nameOf: (path) => nameAfter(path, "sim/") },
  { title: "Browser", files: "test/browser/**/*.ts", nameOf: (path) => nameAfter(path, "test/browser/") },
];

/** Helpers of tests prove nothing, and neither do lists of bugs. */
const isTest = (path: string) => !/\/(support|sabotage)\//.test(path);

export function ruleTable(): string {
  const cited = layers.map((layer) => citations(layer));
  const rows = rules().map((rule) => [
    rule,
    ...cited.map((byRule) => (byRule.get(rule) ?? []).join(", ")),
    String(plantedBugs.filter((bug) => bug.rules.includes(rule)).length || ""),
  ]);
  const untested = rows.filter(([, ...cells]) => cells.slice(0, layers.length).every((cell) => cell === ""));
  const names = untested.map(([rule]) => rule).join(", ");
  return [
    markdownTable(["Rule", ...layers.map(({ title }) => title), "Planted bugs"], rows),
    "",
    untested.length === 0 ? "Untested rules: none." : `**Untested rules: ${names}.**`,
  ].join("\n");
}

/** In the order of docs/protocol.md. */
function rules(): string[] {
  const protocol = readFileSync(join(root, "docs/protocol.md"), "utf8");
  return [...new Set([...protocol.matchAll(/\*\*([LDFR]\d+)\*\*/g)].map((match) => match[1] ?? ""))];
}

function citations({ files, nameOf }: Layer): Map<string, string[]> {
  const byRule = new Map<string, string[]>();
  for (const path of globSync(files, { cwd: root }).filter(isTest).sort()) {
    const text = readFileSync(join(root, path), "utf8");
    const found = new Set([...text.matchAll(/\[([LDFR]\d+)\]/g)].map((match) => match[1] ?? ""));
    for (const rule of found)
      byRule.set(rule, [...(byRule.get(rule) ?? []), `[${nameOf(path)}](../${path})`]);
  }
  return byRule;
}

function nameAfter(path: string, folder: string): string {
  return path.slice(folder.length).replace(/(\.test)?\.ts$/, "");
}

if (import.meta.main) writeSection("rules", ruleTable());
