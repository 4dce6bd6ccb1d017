/** Which check caught which planted bug, as the table of docs/testing.md: a line per bug, written when it was hunted. */
import { markdownTable, readSection, writeSection } from "../../scripts/document.ts";
import { plantedBugs } from "./bugs/all.ts";
import type { Catch } from "./hunt.ts";

/** Lines of other bugs stay as they were last written; those of bugs that are no more go. */
export function writeLine(result: Catch): void {
  const known = new Map(
    readSection("sabotage")
      .split("\n")
      .map((line) => [cellsOf(line)[0], cellsOf(line)]),
  );
  known.set(`\`${result.bug.id}\``, cells(result));
  const lines = plantedBugs.map(({ id }) => known.get(`\`${id}\``)).filter((line) => line !== undefined);
  writeSection("sabotage", markdownTable(["Bug", "Rules", "What it does", "Caught by"], lines));
}

/** A bar inside a cell is escaped. */
export function cellsOf(line: string): string[] {
  const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
  return cells.slice(1, -1);
}

function cells({ bug, check, failures }: Catch): string[] {
  const caughtBy = check === null ? "**nothing**" : byWhat(check, failures);
  return [`\`${bug.id}\``, bug.rules.join(" "), bug.says, caughtBy];
}

function byWhat(check: string, failures: readonly string[]): string {
  const [first = ""] = failures;
  if (check === "sim") return `simulator, ${first}`;
  const [, file = "", title = ""] = /^(\S+): (.*)$/s.exec(first) ?? [];
  return `[${file.replace(/^test\/|\.test\.ts$/g, "")}](../${file}): ${title.replaceAll("|", "\\|")}`;
}
