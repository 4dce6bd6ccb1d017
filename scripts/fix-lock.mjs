// Completes package-lock.json with optional platform packages that the registry at hand did not offer.
// Without those entries `npm ci` calls the lock out of step with its packages and refuses it (EUSAGE).
// Added entries carry no integrity hash: npm fills them only on the platforms that install them.
// Run it (`npm run lock`) after every change of dependencies; it changes nothing when nothing is missing.
import { readFileSync, writeFileSync } from "node:fs";

const systems = new Set([
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
  "windows",
]);
const processors = new Set([
  "64",
  "arm",
  "arm64",
  "ia32",
  "loong64",
  "mips64el",
  "ppc64",
  "riscv64",
  "s390x",
  "wasm32",
  "x64",
]);

const lockPath = process.argv[2] ?? "package-lock.json";
const lock = JSON.parse(readFileSync(lockPath, "utf8"));
let added = 0;

for (const [parentPath, parent] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (isLocked(parentPath, name)) continue;
    lock.packages[`node_modules/${name}`] = platformEntry(name, version, parent.dev === true);
    added += 1;
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries(sorted);
writeFileSync(lockPath, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} optional packages added to ${lockPath}`);

/** Looks a package up as Node resolves it: in the parent's own node_modules, then in each folder above. */
function isLocked(parentPath, name) {
  for (let at = parentPath; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    if (lock.packages[`${at === "" ? "" : `${at}/`}node_modules/${name}`] !== undefined) return true;
    if (at === "") return false;
  }
}

/** Platform packages name their platform, as in @rolldown/binding-linux-x64-musl. */
function platformEntry(name, version, isDev) {
  const words = name.split(/[-/]/);
  const system = words.find((word) => systems.has(word));
  const processor = words.findLast((word) => processors.has(word));
  return {
    version,
    ...(processor !== undefined && { cpu: [processor === "64" ? "x64" : processor] }),
    ...(isDev && { dev: true }),
    ...(words.includes("musl") && { libc: ["musl"] }),
    optional: true,
    ...(system !== undefined && { os: [system === "windows" ? "win32" : system] }),
  };
}
