/** Which check caught which planted bug, as the table of docs/testing.md. */
import { markdownTable, writeSection } from "../../scripts/document.ts";
import type { Catch } from "./hunt.ts";

export function writeTable(caught: readonly Catch[]): void {
  writeSection("sabotage", markdownTable(["Bug", "Rules", "What it does", "Caught by"], caught.map(row)));
}

function row({ bug, check, failures }: Catch): string[] {
  return [
    `\`${bug.id}\``,
    bug.rules.join(" "),
    bug.says,
    check === null ? "**nothing**" : byWhat(check, failures),
  ];
}

/** The first failure, without the file where the check is that file. */
function byWhat(check: string, failures: readonly string[]): string {
  const [first = ""] = failures;
  if (check === "sim")
    return `simulator, ${first}${failures.length > 1 ? ` and ${failures.length - 1} more` : ""}`;
  const [file = "", title = ""] = splitOnce(first, ": ");
  return `[${file.replace(/^test\/|\.test\.ts$/g, "")}](../${file}): ${title.replaceAll("|", "\\|")}`;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
