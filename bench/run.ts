// npm run bench: measures this server on this machine. Contenders take turns within each run, each with a server of its
// own, so that a noisy machine is fair to all.
import { loadavg } from "node:os";
import { BuildFailure, buildIfChanged } from "../scripts/build.ts";
import type { Contender } from "./contender.ts";
import { kittiwake } from "./kittiwake/kittiwake.ts";
import { type Options, readOptions, UsageError, usage } from "./options.ts";
import { asJson, asMarkdown, type Result } from "./report.ts";
import { measure, scenarios } from "./scenarios.ts";

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.hasPeer) throw new UsageError("The peer is not built yet.");
  if (options.shouldBuild) await buildIfChanged();
  const contenders = contendersOf(options);
  const results: Result[] = options.scenarios.flatMap((scenario) =>
    contenders.map((contender) => ({ contender: contender.name, scenario, runs: [] })),
  );
  for (let run = 1; run <= options.runs; run++) {
    for (const contender of contenders) {
      progress(`run ${run} of ${options.runs}: ${contender.name} (load average ${loadavg()[0]?.toFixed(1)})`);
      await runOnce(contender, options, results);
    }
  }
  console.log(asMarkdown(results));
  if (options.asJson) console.log(asJson(results));
}

function contendersOf(options: Options): Contender[] {
  const paths = (["chat", "inbox"] as const).filter((path) => options.only === null || options.only === path);
  return paths.map((path) => kittiwake(path, options.packs));
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

try {
  await main();
  process.exit(0);
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n${usage}`);
  else if (error instanceof BuildFailure) console.error(error.message);
  else console.error(error);
  process.exit(1);
}
