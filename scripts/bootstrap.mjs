// Runs a script of this folder under the Node that package.json pins, whatever Node the machine has.
// Plain JavaScript without dependencies, because it runs first: it installs node_modules when the lock
// file changed, then hands over to node_modules/.bin/node, which runs TypeScript files directly.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const nodeMajorMin = 20;
const root = fileURLToPath(new URL("..", import.meta.url));
const lockPath = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const stampPath = fileURLToPath(new URL("../node_modules/.kittiwake-lock", import.meta.url));
const toolsPath = fileURLToPath(new URL("../node_modules/.bin", import.meta.url));
const pinnedNode = join(toolsPath, "node");

const [script, ...scriptArguments] = process.argv.slice(2);
if (script === undefined) fail("Usage: node scripts/bootstrap.mjs <script> [arguments]");

if (Number(process.versions.node.split(".")[0]) < nodeMajorMin) {
  fail(`Kittiwake needs Node ${nodeMajorMin} or newer to start; this is Node ${process.versions.node}.`);
}
installIfStale();
runPinned();

/** The stamp holds the hash of the lock that was installed, so a changed lock is noticed after a pull. */
function installIfStale() {
  const lockHash = createHash("sha256").update(readFileSync(lockPath)).digest("hex");
  const isInstalled = existsSync(stampPath) && readFileSync(stampPath, "utf8") === lockHash;
  if (isInstalled && existsSync(pinnedNode)) return;

  console.log("Installing packages (npm ci) …");
  // npm tells its scripts where it lives; without that, as when run by hand, the one on PATH has to do.
  const npmScript = process.env.npm_execpath;
  const [command, first] = npmScript?.endsWith(".js") ? [process.execPath, [npmScript]] : ["npm", []];
  const install = spawnSync(command, [...first, "ci"], { cwd: root, stdio: "inherit" });
  if (install.status !== 0) fail("The packages could not be installed; the messages above say why.");
  writeFileSync(stampPath, lockHash);
  console.log();
}

function runPinned() {
  // The tools look for `node` on PATH too, and must find the same one.
  const env = { ...process.env, PATH: `${toolsPath}${delimiter}${process.env.PATH ?? ""}` };
  const child = spawn(pinnedNode, [script, ...scriptArguments], { cwd: root, env, stdio: "inherit" });
  // A signal sent to this process alone must reach the script; the script decides when to end.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`Node ${pinnedNode} could not be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exit(signal === null ? code : 128 + constants.signals[signal]);
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
