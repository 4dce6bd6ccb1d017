/** The figures of bench/mls.ts as Markdown. */
import type { MlsFigures, MlsResult } from "./mls.ts";

export function mlsAsMarkdown({ groups, removal }: MlsResult): string {
  const { devices, totalMs, commitMs, processMs } = removal;
  const parts = `commit ${ms(commitMs)} ms, processing it ${ms(processMs)} ms, the rest the message`;
  const sentence = `First message after a removal, ${devices} devices: ${ms(totalMs)} ms (${parts}).`;
  return `### MLS: groups by their number of devices\n\n${table(groups)}\n\n${sentence}`;
}

function table(figures: readonly MlsFigures[]): string {
  const head = [
    "leaves",
    "add all: ms / commits / bytes",
    "Welcome B without / with tree",
    "tree B",
    "join ms",
    "encrypt / decrypt ms",
    "message B",
    "state B / saved per message",
    "first remove: ms / B / process ms",
    "external commit ms",
  ];
  const rows = figures.map((row) => [
    row.kind === "direct" ? `${row.leaves}, direct (X-Wing)` : count(row.leaves),
    `${ms(row.addMs)} / ${row.commits} / ${count(row.commitBytes)}`,
    `${count(row.welcomeBytes)} / ${count(row.welcomeBytes + row.treeBytes)}`,
    count(row.treeBytes),
    ms(row.joinMs),
    `${row.encryptMs.toFixed(1)} / ${row.decryptMs.toFixed(1)}`,
    count(row.messageBytes),
    `${count(row.stateBytes)} / ${row.changeBytes}`,
    row.removeMs === null ? "–" : `${ms(row.removeMs)} / ${count(row.removeBytes)} / ${ms(row.processMs)}`,
    ms(row.externalMs),
  ]);
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function ms(value: number | null): string {
  return value === null ? "–" : count(Math.round(value));
}
function count(value: number | null): string {
  return value === null ? "–" : value.toLocaleString("en-US");
}
