// Builds what is deployed: the web app into dist/web and the Worker's bundle into dist/worker.
// `wrangler deploy --dry-run` makes the bundle, so a build also proves that wrangler.toml is valid.
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandOptions, runTool } from "./command.ts";
import { project } from "./project.ts";

/** Everything a build reads. The lock stands for all packages. */
const inputs = [
  "src/**",
  "durable/**",
  "migrations/**",
  "scripts/build.ts",
  "package-lock.json",
  "tsconfig.base.json",
  "vite.config.ts",
  "wrangler.toml",
];
const stampPath = join(project.dist, ".inputs");

export class BuildFailure extends Error {}

/** Builds both parts, unless dist was built from exactly the files that are there now. */
export async function buildIfChanged(): Promise<void> {
  const stamp = hashInputs();
  if (existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp) return;
  await buildWeb({ output: "keep" });
  await buildWorker({ output: "keep" });
  writeFileSync(stampPath, stamp);
}

export async function buildWeb(options: CommandOptions): Promise<void> {
  await build("web app", "vite", ["build", "--logLevel", "warn"], options);
}

export async function buildWorker(options: CommandOptions): Promise<void> {
  // Text modules carry a hash in their names, so files of an earlier build would pile up.
  rmSync(project.workerBundle, { recursive: true, force: true });
  // Wrangler refuses to start when the folder of the static files is missing.
  mkdirSync(project.webBundle, { recursive: true });
  await build("Worker", "wrangler", ["deploy", "--dry-run", "--outdir", project.workerBundle], options);
}

async function build(what: string, tool: string, args: string[], options: CommandOptions): Promise<void> {
  // From here on dist is no longer what the stamp says, whether or not this succeeds.
  rmSync(stampPath, { force: true });
  const { exitCode, output } = await runTool(tool, args, options);
  if (exitCode !== 0) throw new BuildFailure(`The ${what} could not be built.\n${output}`.trimEnd());
}

function hashInputs(): string {
  const hash = createHash("sha256");
  for (const path of globSync(inputs, { cwd: project.root }).sort()) {
    const absolute = join(project.root, path);
    if (!statSync(absolute).isFile()) continue;
    const content = readFileSync(absolute);
    hash.update(`${path}\0${content.byteLength}\0`).update(content);
  }
  return hash.digest("hex");
}

if (import.meta.main) {
  try {
    await buildWeb({ output: "show" });
    await buildWorker({ output: "show" });
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
