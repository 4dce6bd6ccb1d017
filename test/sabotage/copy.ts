/** A copy of the working tree to plant bugs in: sources copied, packages linked, caches its own. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { project } from "../../scripts/project.ts";
import { type PlantedBug, withChange } from "./planted-bug.ts";

const notCopied = new Set(["node_modules", ".git", "dist", ".tsbuild", ".kittiwake", ".wrangler"]);

export class Copy {
  readonly root: string;

  constructor() {
    this.root = mkdtempSync(join(tmpdir(), "kittiwake-sabotage-"));
    for (const name of readdirSync(project.root)) {
      if (!notCopied.has(name)) cpSync(join(project.root, name), join(this.root, name), { recursive: true });
    }
    // Each package by itself, for Vite keeps its caches beside them and copies must not share those.
    mkdirSync(join(this.root, "node_modules"));
    for (const name of readdirSync(join(project.root, "node_modules"))) {
      if (name.startsWith(".") && name !== ".bin") continue;
      symlinkSync(join(project.root, "node_modules", name), join(this.root, "node_modules", name));
    }
  }

  /** Writes the bug into the copy; what is returned takes it out again. */
  plant(bug: PlantedBug): () => void {
    const before = new Map<string, string>();
    for (const change of bug.changes) {
      const path = join(this.root, change.file);
      const source = readFileSync(path, "utf8");
      if (!before.has(path)) before.set(path, source);
      writeFileSync(path, withChange(bug.id, change, source));
    }
    return () => {
      for (const [path, source] of before) writeFileSync(path, source);
    };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}
