/** Runs one check in a copy of the tree, and says what failed in it. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { runTool, timedOut } from "../../scripts/command.ts";
import type { Check } from "./planted-bug.ts";

/** What failed, by test name or by seed and rule. Empty when the check passed. */
export type Failures = string[];

/** A check that did not come to a verdict: it proves nothing about a bug. */
export class NoVerdict extends Error {}

export const seeds = 60;
const fewSeeds = 10;
const limitMs = 8 * 60_000;

/** `isWhole`: goes on after the first test that fails. */
export async function runCheck(root: string, check: Check, isWhole = false): Promise<Failures> {
  if (check === "sim") return await simulate(root, isWhole);
  return check === "unit" || check === "workerd"
    ? await test(root, check, [], isWhole)
    : await test(root, check.startsWith("test/unit/") ? "unit" : "workerd", [check], isWhole);
}

/** What the type checker says of the projects that these files belong to: a planted bug must be one that only a run can find. */
export async function typeErrors(root: string, files: readonly string[]): Promise<string> {
  const projects = files.map((file) => (file.startsWith("src/client/") ? "src/client" : "durable"));
  const args = ["-b", ...new Set(projects)];
  const { exitCode, output } = await runTool("tsc", args, { cwd: root, output: "keep", limitMs });
  return exitCode === 0 ? "" : output;
}

/** A few seeds first: most bugs show in them. */
async function simulate(root: string, isWhole: boolean): Promise<Failures> {
  const few = isWhole ? [] : await runSeeds(root, 1, fewSeeds);
  return few.length > 0 ? few : await runSeeds(root, isWhole ? 1 : fewSeeds + 1, seeds);
}

async function runSeeds(root: string, first: number, last: number): Promise<Failures> {
  const range = [`--seed=${first}`, `--seeds=${last - first + 1}`];
  const args = ["sim/main.ts", ...range, "--no-shrink", "--json"];
  const { exitCode, output } = await runTool("node", args, { cwd: root, output: "keep", limitMs });
  if (exitCode === timedOut) throw new NoVerdict(`sim did not end in ${limitMs / 1000} s`);
  const found = [...output.matchAll(/^Seed (\d+) (?:\(.*?\) )?breaks (\S+?):/gm)];
  if (found.length === 0 && exitCode !== 0)
    throw new NoVerdict(`sim ended with ${exitCode}: ${tail(output)}`);
  return found.map(([, seed, rule]) => `seed ${seed} [${rule}]`);
}

/** Whole runs of the simulator (a check of its own), what judges planted bugs and documents, and MLS, which no bug is in. */
const leftOut = ["test/unit/sim/**", "test/unit/sabotage/**", "test/unit/docs/**", "test/unit/mls/**"];

async function test(
  root: string,
  kind: "unit" | "workerd",
  files: string[],
  isWhole: boolean,
): Promise<Failures> {
  const report = join(root, ".kittiwake/reports/sabotage.json");
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const args = [
    "run",
    `--config=test/${kind}/vitest.config.ts`,
    "--reporter=json",
    `--outputFile.json=${report}`,
    "--maxWorkers=1",
    `--bail=${isWhole ? 0 : 1}`,
    ...(files.length > 0 ? files : leftOut.flatMap((pattern) => ["--exclude", pattern])),
  ];
  const { exitCode, output } = await runTool("vitest", args, { cwd: root, output: "keep", limitMs });
  if (exitCode === timedOut) throw new NoVerdict(`${kind} tests did not end in ${limitMs / 1000} s`);
  const failures = failuresOf(report);
  if (failures === null || (exitCode !== 0 && failures.length === 0)) {
    throw new NoVerdict(`${kind} tests failed without a failed test: ${tail(output)}`);
  }
  return failures;
}

interface VitestReport {
  testResults: { name: string; assertionResults: { fullName: string; status: string }[] }[];
}

function failuresOf(path: string): Failures | null {
  let report: VitestReport;
  try {
    report = JSON.parse(readFileSync(path, "utf8")) as VitestReport;
  } catch {
    return null; // Vitest ended before it could write one.
  }
  const ran = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map((result) => ({ ...result, file: name.slice(name.indexOf("/test/") + 1) })),
  );
  if (ran.length === 0) return null;
  return ran.filter(({ status }) => status === "failed").map(({ file, fullName }) => `${file}: ${fullName}`);
}

function tail(output: string): string {
  return output.trim().slice(-600);
}
