// npm run chaos: kills the runtime and clients under load, and checks that nothing was lost, doubled or disordered.
import { Samples } from "../bench/samples.ts";
import { BuildFailure, buildIfChanged } from "../scripts/build.ts";
import { Chaos, type ChaosOutcome } from "./chaos.ts";
import { type Options, readOptions, UsageError, usage } from "./options.ts";

/** Findings that are printed; the counts are of all. */
const findingsShownMax = 20;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.shouldBuild) await buildIfChanged();
  const started = performance.now();
  const chaos = await Chaos.prepare({ ...options, progress });
  disposeOnSignal(chaos);
  try {
    const outcome = await chaos.run();
    report(outcome, options, (performance.now() - started) / 1000);
    if (outcome.verdict.findings.length > 0) process.exitCode = 1;
  } finally {
    await chaos.dispose();
  }
}

function report(outcome: ChaosOutcome, options: Options, seconds: number): void {
  const { verdict, kills, clientKills, recoveryMs, inFlightMin, proxy } = outcome;
  for (const { kind, what } of verdict.findings.slice(0, findingsShownMax)) console.log(`${kind}: ${what}`);
  const samples = new Samples();
  for (const ms of recoveryMs) samples.add(ms);
  const recovery_ms = { p50: rounded(samples.percentile(0.5)), p99: rounded(samples.percentile(0.99)) };
  const { acked, lost, duplicated, out_of_order, foreign } = verdict;
  console.log(
    `Seed ${options.seed}, ${Math.round(seconds)} s: ${kills} kills of the runtime, ${clientKills} of clients, at least ${inFlightMin} messages in flight at each;
${proxy.dropped.up} frames dropped on the way up and ${proxy.dropped.down} down, ${proxy.stalled} connections stalled, ${proxy.blackHoled} black-holed, ${proxy.cut} cut.
${acked} messages acknowledged: ${lost} lost, ${duplicated} duplicated, ${out_of_order} out of order, ${foreign} that nobody wrote; back after ${recovery_ms.p50} ms (p50), ${recovery_ms.p99} ms (p99).`,
  );
  if (options.asJson)
    console.log(JSON.stringify({ kills, acked, lost, duplicated, out_of_order, recovery_ms }));
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Nothing may outlive an interrupted run: the runtime is a process group of its own. */
function disposeOnSignal(chaos: Chaos): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => {
      void chaos.dispose().finally(() => process.exit(130));
    });
}

try {
  await main();
  process.exit(process.exitCode ?? 0);
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n${usage}`);
  else if (error instanceof BuildFailure) console.error(error.message);
  else console.error(error);
  process.exit(1);
}
