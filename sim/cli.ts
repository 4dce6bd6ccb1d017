/** The command line: which seeds, how many operations each, what to print. Exits with 1 if a rule was broken. */
import { parseArgs } from "node:util";
import { makePlan, type Plan } from "./actors/plan.ts";
import { engineNames, loadRealEngine } from "./crypto/engines.ts";
import { inMacrotask } from "./macrotask.ts";
import { runSeeds, type SeedResult } from "./pool.ts";
import { reportFailure } from "./report.ts";
import { simulate } from "./simulate.ts";

const usage = `npm run sim -- [options]
  --seeds N        how many seeds to run (default 100)
  --seed S         the first of them (default 1)
  --operations N   operations per seed (default 200)
  --crypto NAME    cheap: tens of thousands of seeds (default); real: MLS as it ships, some sixty times slower
  --json           end with one line of JSON
  --trace          print every event of the first seed, and run no other
  --no-shrink      report failures as they are, without looking for smaller ones`;
/** Failures that are reported in full; of the others, the seed and the rule. */
const reportsMax = 3;

export async function run(args: string[]): Promise<void> {
  const options = readOptions(args);
  if (options === null) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  if (options.trace) return await printTrace(options.first, options);
  const seeds = Array.from({ length: options.count }, (_, index) => options.first + index);
  const started = performance.now();
  const results: SeedResult[] = [];
  const { operations, engine } = options;
  await runSeeds({ seeds, operations, engine }, (result) => results.push(result));
  const seconds = (performance.now() - started) / 1000;
  const failing = results
    .filter((result) => result.failure !== null)
    .sort((one, other) => one.seed - other.seed);
  for (const [index, result] of failing.entries()) await report(result, options, index < reportsMax);
  console.log(sentence(results, failing.length, seconds));
  if (options.json) {
    const failing_seeds = failing.map((result) => result.seed);
    console.log(
      JSON.stringify({
        seeds: options.count,
        operations: options.count * options.operations,
        crypto: engine,
        violations: failing.length,
        failing_seeds,
        seconds: round(seconds),
      }),
    );
  }
  if (failing.length > 0) process.exitCode = 1;
}

type Options = NonNullable<ReturnType<typeof readOptions>>;

function readOptions(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        seeds: { type: "string", default: "100" },
        seed: { type: "string", default: "1" },
        operations: { type: "string", default: "200" },
        crypto: { type: "string", default: "cheap" },
        json: { type: "boolean", default: false },
        trace: { type: "boolean", default: false },
        "no-shrink": { type: "boolean", default: false },
      },
    });
    const [count, first, operations] = [values.seeds, values.seed, values.operations].map(Number);
    if (!isCount(count) || !isCount(first) || !isCount(operations)) return null;
    const engine = engineNames.find((name) => name === values.crypto);
    if (engine === undefined) return null;
    return {
      count,
      first,
      operations,
      engine,
      json: values.json,
      trace: values.trace,
      shrink: !values["no-shrink"],
    };
  } catch {
    return null;
  }
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

async function planOf(seed: number, { operations, engine }: Options): Promise<Plan> {
  if (engine === "real") await loadRealEngine();
  return { ...makePlan(String(seed), operations), engine };
}

async function report({ seed, failure }: SeedResult, options: Options, isInFull: boolean): Promise<void> {
  if (!isInFull) {
    console.log(`Seed ${seed} breaks ${failure?.rule}: ${failure?.what.slice(0, 200)}\n`);
    return;
  }
  const plan = await planOf(seed, options);
  const text = await inMacrotask(() => reportFailure(plan, simulate(plan), options.shrink));
  console.log(`${text}\n`);
}

async function printTrace(seed: number, options: Options): Promise<void> {
  const plan = await planOf(seed, options);
  const outcome = await inMacrotask(() => simulate(plan, { trace: true }));
  for (const line of outcome.lines) console.log(line);
  console.log(
    `Seed ${seed}: ${outcome.eventCount} events, trace hash ${outcome.hash}, ${outcome.violation?.what ?? "no rule broken"}`,
  );
  if (outcome.violation !== null) process.exitCode = 1;
}

function sentence(results: readonly SeedResult[], failing: number, seconds: number): string {
  const events = results.reduce((sum, result) => sum + result.eventCount, 0);
  const entries = results.reduce((sum, result) => sum + result.entryCount, 0);
  const rate = Math.round((results.length / seconds) * 60);
  return `${results.length} seeds, ${events} events, ${entries} entries in logs, ${failing} failing; ${round(seconds)} s, ${rate} seeds a minute.`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
