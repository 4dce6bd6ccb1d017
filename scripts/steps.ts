// The steps that `npm test` and `npm run check` are made of, and how their results are counted.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { BuildFailure, buildWeb, buildWorker } from "./build.ts";
import { runTool } from "./command.ts";
import { findBreaches } from "./dependency-rules.ts";
import { project } from "./project.ts";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface Step {
  title: string;
  /** Steps whose failure makes this one pointless: it then counts as failed, without running. */
  needs?: readonly Step[];
  run(): Promise<Counts>;
}

const onePassed: Counts = { passed: 1, failed: 0, skipped: 0 };
const oneFailed: Counts = { passed: 0, failed: 1, skipped: 0 };

export const formatAndLint: Step = {
  title: "format and lint",
  run: () => check("biome", ["ci", "--error-on-warnings"]),
};

export const dependencyRules: Step = {
  title: "dependency rules",
  run: async () => fail(findBreaches()),
};

export const types: Step = {
  title: "types",
  run: () => check("tsc", ["-b"]),
};

export const webBuild: Step = {
  title: "build of the web app",
  run: () => build(buildWeb),
};

/** Bundles the Worker and has wrangler judge its configuration, without a network or an account. */
export const workerBuild: Step = {
  title: "wrangler deploy --dry-run",
  run: () => build(buildWorker),
};

/** A step of Vitest, configured in test/<kind>/vitest.config.ts. */
export function vitest(
  kind: "unit" | "workerd" | "process" | "browser",
  env: Record<string, string> = {},
): Step {
  return {
    title: `${kind} tests`,
    run: async () => {
      const report = join(project.root, `.kittiwake/reports/${kind}.json`);
      mkdirSync(dirname(report), { recursive: true });
      rmSync(report, { force: true });
      const { exitCode } = await runTool(
        "vitest",
        [
          "run",
          `--config=test/${kind}/vitest.config.ts`,
          "--reporter=default",
          "--reporter=json",
          `--outputFile.json=${report}`,
        ],
        { output: "show", env },
      );
      return countReport(report, exitCode);
    },
  };
}

/** Stands in for a step that cannot run, and fails with the reason. */
export function impossible(title: string, reason: string): Step {
  return { title, run: async () => fail([reason]) };
}

/** Runs all steps, whatever fails, and ends with the line of totals. True if nothing failed. */
export async function runSteps(steps: readonly Step[]): Promise<boolean> {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const failed = new Set<Step>();
  for (const [index, step] of steps.entries()) {
    const label = `[${index + 1}/${steps.length}] ${step.title}`;
    console.log(label);
    const missing = step.needs?.find((needed) => failed.has(needed));
    const counts = missing === undefined ? await step.run() : fail([`Not run: ${missing.title} failed.`]);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    if (counts.failed === 0) continue;
    failed.add(step);
    console.log(`${label}: FAILED`);
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0;
}

async function check(tool: string, args: string[]): Promise<Counts> {
  const { exitCode, output } = await runTool(tool, args, { output: "keep" });
  return exitCode === 0 ? onePassed : fail([output]);
}

async function build(part: typeof buildWeb): Promise<Counts> {
  try {
    await part({ output: "keep" });
    return onePassed;
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    return fail([error.message]);
  }
}

/** No reasons means that the step passed. */
function fail(reasons: string[]): Counts {
  for (const reason of reasons) console.error(reason.trimEnd());
  return reasons.length === 0 ? onePassed : oneFailed;
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
}

/** A file that cannot be loaded, an unhandled error and a step without tests fail without a failed test. */
function countReport(path: string, exitCode: number): Counts {
  const report = readReport(path);
  if (report === null) return fail(["Vitest wrote no report."]);
  const counts: Counts = {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
  const ran = counts.passed + counts.failed;
  if (ran === 0) fail(["No test ran."]);
  if (counts.failed === 0 && (exitCode !== 0 || ran === 0)) counts.failed = 1;
  return counts;
}

function readReport(path: string): VitestReport | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as VitestReport;
  } catch {
    return null; // Vitest ended before it could write one.
  }
}
