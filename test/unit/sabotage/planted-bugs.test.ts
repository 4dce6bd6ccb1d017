/** Planted bugs still fit the product: one that no longer applies proves nothing, and says so here. */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { plantedBugs } from "../../sabotage/bugs/all.ts";
import { withChange } from "../../sabotage/planted-bug.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

describe("planted bugs", () => {
  it.each(plantedBugs)("$id applies, in product files, and parses", (bug) => {
    const sources = new Map<string, string>();
    for (const change of bug.changes) {
      expect(change.file).toMatch(/^(durable|src\/(client|edge|protocol))\//);
      const source = sources.get(change.file) ?? readFileSync(`${root}${change.file}`, "utf8");
      sources.set(change.file, withChange(bug.id, change, source));
    }
    for (const source of sources.values()) expect(() => stripTypeScriptTypes(source)).not.toThrow();
  });

  it("break every rule group", () => {
    const groups = new Set(plantedBugs.flatMap(({ rules }) => rules).map((rule) => rule.replace(/\d+$/, "")));
    expect([...groups].sort()).toEqual(["D", "E", "F", "L", "R", "access"]);
  });

  it("have ids of their own, and a check each", () => {
    expect(new Set(plantedBugs.map(({ id }) => id)).size).toBe(plantedBugs.length);
    expect(plantedBugs.filter(({ checks, rules }) => checks.length === 0 || rules.length === 0)).toEqual([]);
  });

  it("are refused when their text is gone, or stands there twice", () => {
    const change = { file: "a.ts", find: "one", replace: "$&" };
    expect(withChange("bug", change, "one two")).toBe("$& two");
    expect(() => withChange("bug", change, "two")).toThrow("bug does not apply");
    expect(() => withChange("bug", change, "one one")).toThrow("stands 2 times in a.ts");
  });
});
