/** A failure as people read it: the rule, the seed, what is left of the plan, and the last events of the smaller run. */
import type { Plan } from "./actors/plan.ts";
import { noFaults } from "./runtime/faults.ts";
import { shrink } from "./shrink.ts";
import { type Outcome, simulate } from "./simulate.ts";

const linesShown = 70;

/** To be called from a macrotask. */
export function reportFailure(plan: Plan, outcome: Outcome, shouldShrink: boolean): string {
  const { violation } = outcome;
  if (violation === null) return "";
  const title = `Seed ${plan.seed} (${plan.profile.name}) breaks ${violation.rule}: ${violation.what}`;
  const { plan: smaller, runs } = shouldShrink ? shrink(plan, violation.rule) : { plan, runs: 0 };
  const lines = simulate(smaller, { trace: true }).lines.filter(
    (line) => !/: (sends ping|is sent pong)$/.test(line),
  );
  const operations = smaller.operations.map((operation) => operation.kind).join(" ");
  return [
    title,
    shouldShrink
      ? `Shrunk in ${runs} runs from ${plan.operations.length} to ${smaller.operations.length} operations: ${operations}`
      : "",
    `Faults left: ${faultsOf(smaller) || "none"}`,
    `The last of ${lines.length} events:`,
    ...lines.slice(-linesShown).map((line) => `  ${line}`),
  ]
    .filter((line) => line !== "")
    .join("\n");
}

function faultsOf(plan: Plan): string {
  return Object.entries(plan.profile.faults)
    .filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(noFaults[name as keyof typeof noFaults]),
    )
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(", ");
}
