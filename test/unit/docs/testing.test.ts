/** The generated parts of docs/testing.md say what the tests are now. */
import { describe, expect, it } from "vitest";
import { readSection } from "../../../scripts/document.ts";
import { ruleTable } from "../../../scripts/rule-table.ts";
import { plantedBugs } from "../../sabotage/bugs/all.ts";
import { cellsOf } from "../../sabotage/table.ts";

describe("docs/testing.md", () => {
  it("has the table of rules as it is (npm run docs)", () => {
    expect(readSection("rules")).toBe(ruleTable());
  });

  it("has every planted bug with what caught it (npm run sabotage -- --write)", () => {
    const lines = readSection("sabotage").split("\n").slice(2).map(cellsOf);
    expect(lines.map(([id, rules, says]) => [id, rules, says])).toEqual(
      plantedBugs.map(({ id, rules, says }) => [`\`${id}\``, rules.join(" "), says]),
    );
    expect(lines.filter(([, , , caughtBy]) => !caughtBy || caughtBy === "**nothing**")).toEqual([]);
  });
});
