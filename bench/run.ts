// npm run bench: measures this server on this machine. Contenders take turns within each run, each with a server of its
// own, so that a noisy machine is fair to all.
import { mkdirSync } from "node:fs";
import { constants, cpus, loadavg } from "node:os";
import { join } from "node:path";
import { BuildFailure, buildIfChanged } from "../scripts/build.ts";
import { project } from "../scripts/project.ts";
import type { Contender } from "./contender.ts";
import { probeFsync } from "./fsync.ts";
import { kittiwake } from "./kittiwake/kittiwake.ts";
import { measureMls } from "./mls.ts";
import { mlsAsMarkdown } from "./mls-report.ts";
import { type Options, readOptions, UsageError, usage } from "./options.ts";
import { ejabberd } from "./peers/ejabberd.ts";
import { asMarkdown, type Result, summarised } from "./report.ts";
import { Samples } from "./samples.ts";
import { measure, scenarios } from "./scenarios.ts";

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const loads = [loadavg()[0] ?? 0];
  const messaging = options.scenarios.length === 0 ? null : await measureMessaging(options, loads);
  const mls = options.mlsLeaves === null ? null : await measureMls(options.mlsLeaves, progress);
  loads.push(loadavg()[0] ?? 0);
  const machine = { cores: cpus().length, loadMin: Math.min(...loads), loadMax: Math.max(...loads) };
  const sections = [
    ...(messaging === null ? [] : [messaging.markdown]),
    ...(mls === null ? [] : [mlsAsMarkdown(mls)]),
    `${machine.cores} cores; load average ${machine.loadMin.toFixed(1)}–${machine.loadMax.toFixed(1)} while measuring.`,
  ];
  console.log(sections.join("\n\n"));
  if (options.asJson)
    console.log(JSON.stringify({ machine, ...messaging?.figures, ...(mls !== null && { mls }) }));
}

/** Every contender in every scenario, run by run. `loads` gathers the load averages on the way. */
async function measureMessaging(options: Options, loads: number[]) {
  const contenders = contendersOf(options);
  if (options.shouldBuild) await buildIfChanged();
  const stateDir = join(project.root, ".kittiwake/bench");
  mkdirSync(stateDir, { recursive: true });
  const fsyncs = new Samples();
  const results: Result[] = options.scenarios.flatMap((scenario) =>
    contenders.map((contender) => ({ contender: contender.name, scenario, runs: [] })),
  );
  for (let run = 1; run <= options.runs; run++) {
    probeFsync(stateDir, fsyncs);
    for (const contender of contenders) {
      const load = loadavg()[0] ?? 0;
      loads.push(load);
      progress(`run ${run} of ${options.runs}: ${contender.name} (load average ${load.toFixed(1)})`);
      await runOnce(contender, options, results);
    }
  }
  const fsyncMs = { p50: fsyncs.percentile(0.5) ?? 0, p99: fsyncs.percentile(0.99) ?? 0 };
  const durability = contenders.map(({ name, durability }) => `- ${name}: ${durability}`);
  const markdown = [
    asMarkdown(results),
    `What is durable when a message is delivered:\n\n${durability.join("\n")}`,
    `Writing 4 KiB and waiting for the disk (fsync) takes ${fsyncMs.p50.toFixed(2)} ms here (p99 ${fsyncMs.p99.toFixed(2)}).`,
  ].join("\n\n");
  return { markdown, figures: { fsyncMs, results: results.map(summarised) } };
}

function contendersOf(options: Options): Contender[] {
  const paths = (["chat", "inbox"] as const).filter((path) => options.only === null || options.only === path);
  const ours = paths.map((path) => kittiwake(path, options.packs));
  return options.hasPeer ? [...ours, ejabberd("archive"), ejabberd("plain")] : ours;
}

async function runOnce(contender: Contender, options: Options, results: readonly Result[]): Promise<void> {
  const server = await contender.start();
  try {
    for (const name of options.scenarios) {
      const seconds = name === "s2" ? { seconds: options.seconds } : {};
      const figures = await measure(server, { ...scenarios[name], ...seconds });
      results
        .find((result) => result.contender === contender.name && result.scenario === name)
        ?.runs.push(figures);
      progress(
        `  ${name}: ${JSON.stringify(figures, (_, value) => (typeof value === "number" ? Math.round(value * 1000) / 1000 : value))}`,
      );
    }
  } finally {
    await server.stop();
  }
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

// Left to itself a signal skips the exit handlers, which end the servers' processes.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
try {
  await main();
  process.exit(0);
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n${usage}`);
  else if (error instanceof BuildFailure) console.error(error.message);
  else console.error(error);
  process.exit(1);
}
