/** Runs into figures: the median, with the least and the most beside it. */
import type { Figures, ScenarioName } from "./scenarios.ts";
import { scenarios } from "./scenarios.ts";

export interface Result {
  contender: string;
  scenario: ScenarioName;
  runs: Figures[];
}

interface Column {
  title: string;
  figure: keyof Figures;
  digits: number;
}

const columns: Column[] = [
  { title: "msg/s", figure: "messagesPerSecond", digits: 0 },
  { title: "delivery p50 ms", figure: "deliveryP50Ms", digits: 2 },
  { title: "delivery p99 ms", figure: "deliveryP99Ms", digits: 2 },
  { title: "ack p50 ms", figure: "ackP50Ms", digits: 2 },
  { title: "ack p99 ms", figure: "ackP99Ms", digits: 2 },
  { title: "server CPU µs/msg", figure: "serverCpuMicrosPerMessage", digits: 0 },
  { title: "server cores", figure: "serverCpuCores", digits: 2 },
  { title: "generator cores", figure: "generatorCpuCores", digits: 2 },
  { title: "lost", figure: "lost", digits: 0 },
];

export interface Summary {
  median: number;
  min: number;
  max: number;
}

/** Null when no run has this figure. */
export function summaryOf(runs: readonly Figures[], figure: keyof Figures): Summary | null {
  const values = runs.map((run) => run[figure]).filter((value) => value !== null);
  values.sort((a, b) => a - b);
  const [min, max] = [values[0], values.at(-1)];
  if (min === undefined || max === undefined) return null;
  const middle = values.length >> 1;
  const upper = values[middle] ?? max;
  const median = values.length % 2 === 1 ? upper : ((values[middle - 1] ?? upper) + upper) / 2;
  return { median, min, max };
}

export function asMarkdown(results: readonly Result[]): string {
  const names = [...new Set(results.map((result) => result.scenario))];
  return names
    .map((name) =>
      table(
        name,
        results.filter((result) => result.scenario === name),
      ),
    )
    .join("\n\n");
}

function table(name: ScenarioName, results: readonly Result[]): string {
  const rows = results.map(({ contender, runs }) => [
    contender,
    ...columns.map(({ figure, digits }) => cell(summaryOf(runs, figure), digits)),
  ]);
  const lines = [
    ["", ...columns.map((column) => column.title)],
    ["---", ...columns.map(() => "---")],
    ...rows,
  ];
  return [`### ${scenarios[name].title}`, "", ...lines.map((cells) => `| ${cells.join(" | ")} |`)].join("\n");
}

function cell(summary: Summary | null, digits: number): string {
  if (summary === null) return "–";
  const { median, min, max } = summary;
  const text = (value: number) =>
    value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
  return min === max ? text(median) : `${text(median)} [${text(min)}–${text(max)}]`;
}

/** What can be told of each result beside the runs themselves. */
export function summarised(result: Result) {
  const summary = Object.fromEntries(columns.map(({ figure }) => [figure, summaryOf(result.runs, figure)]));
  return { ...result, summary };
}
