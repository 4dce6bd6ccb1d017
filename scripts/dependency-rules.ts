// Checks that imports point one way between the folders, and that only src/config.ts reads vars and
// secrets. Biome's import patterns match specifiers, not the folders they lead to, so this resolves them.
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { project } from "./project.ts";

interface FolderRule {
  /** The rule holds for files below this folder; of several that fit, the longest counts. */
  folder: string;
  /** Own folders (or files) that may be imported, besides the folder itself. */
  mayImport: string[];
}

const folderRules: FolderRule[] = [
  { folder: "src/protocol/", mayImport: [] },
  { folder: "src/mls-guard/", mayImport: ["src/protocol/"] },
  {
    folder: "durable/",
    mayImport: ["src/protocol/", "src/mls-guard/", "src/edge/", "src/config.ts", "migrations/"],
  },
  { folder: "src/edge/", mayImport: ["src/protocol/", "durable/", "src/config.ts"] },
  { folder: "src/config.ts", mayImport: ["src/protocol/", "durable/"] },
  { folder: "src/client/", mayImport: ["src/protocol/", "src/mls-guard/"] },
  { folder: "src/web/", mayImport: ["src/protocol/", "src/client/"] },
];

interface PackageRule {
  specifier: RegExp;
  allowedIn: RegExp;
  why: string;
}

const packageRules: PackageRule[] = [
  {
    specifier: /^ts-mls(\/|$)/,
    allowedIn: /^src\/client\/mls\//,
    why: "only src/client/mls knows the MLS library",
  },
  { specifier: /^cloudflare:/, allowedIn: /^(durable|src\/edge)\//, why: "only the server runs on Workers" },
  {
    specifier: /^node:/,
    allowedIn: /^src\/client\/(store\/sqlite|(.*\/)?node-[^/]*)\.ts$/,
    why: "in src, only the client's SQLite store and its files named node-* are for Node alone",
  },
];

const importPattern =
  /(?:^|[\s;])(?:import|export)\s*(?:[^"'()]*?from\s*)?["']([^"']+)["']|import\(\s*["']([^"']+)["']/g;

/** One sentence for each breach, empty if there is none. */
export function findBreaches(): string[] {
  const bindings = boundNames();
  const files = globSync(["src/**/*.{ts,tsx}", "durable/**/*.ts"], { cwd: project.root }).map(toPosix).sort();
  return files.flatMap((file) => {
    const source = withoutComments(readFileSync(join(project.root, file), "utf8"));
    const specifiers = [...source.matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? "");
    return [
      ...specifiers.flatMap((specifier) => importBreach(file, specifier)),
      ...environmentBreaches(file, source, bindings),
    ];
  });
}

function importBreach(file: string, specifier: string): string[] {
  if (!specifier.startsWith(".")) {
    const broken = packageRules.find((rule) => rule.specifier.test(specifier) && !rule.allowedIn.test(file));
    return broken === undefined ? [] : [`${file} imports ${specifier}: ${broken.why}`];
  }
  const rule = folderRules
    .filter(({ folder }) => file.startsWith(folder))
    .sort((a, b) => b.folder.length - a.folder.length)[0];
  if (rule === undefined) return [];
  const target = toPosix(normalize(join(dirname(file), specifier)));
  if ([rule.folder, ...rule.mayImport].some((allowed) => target.startsWith(allowed))) return [];
  return [
    `${file} imports ${target}: ${rule.folder} may import ${rule.mayImport.join(", ") || "nothing else of ours"}`,
  ];
}

/** Bindings such as env.INBOX may be used anywhere on the server; values of vars and secrets may not. */
function environmentBreaches(file: string, source: string, bindings: ReadonlySet<string>): string[] {
  if (file === "src/config.ts") return [];
  const reads = [...source.matchAll(/\benv\.([A-Z][A-Z0-9_]*)\b/g)].map((match) => match[1] ?? "");
  return reads
    .filter((name) => !bindings.has(name))
    .map((name) => `${file} reads env.${name}: only src/config.ts reads vars and secrets`);
}

/** What wrangler.toml binds besides [vars]: these lines are `binding = "X"` or, for some kinds, `name = "X"`. */
function boundNames(): Set<string> {
  const lines = readFileSync(project.wranglerConfig, "utf8").matchAll(
    /^(?:binding|name) = "([A-Z][A-Z0-9_]*)"/gm,
  );
  return new Set([...lines].map((match) => match[1] ?? ""));
}

/** Good enough for finding imports: whole-line and block comments go, strings stay as they are. */
function withoutComments(source: string): string {
  return source.replace(/^\s*\/\/.*$/gm, "").replace(/^\s*\/\*[\s\S]*?\*\//gm, "");
}

function toPosix(path: string): string {
  return path.split(sep).join("/");
}
