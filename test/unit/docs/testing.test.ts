/** The generated parts of docs/testing.md say what the tests are now. */
import { describe, expect, it } from "vitest";
import { readSection } from "../../../scripts/document.ts";
import { ruleTable } from "../../../scripts/rule-table.ts";
import { plantedBugs } from "../../sabotage/bugs/all.ts";

describe("docs/testing.md", () => {
  it("has the table of rules as it is (npm run docs)", () => {
    expect(readSection("rules")).toBe(ruleTable());
  });

  it("has every planted bug with what caught it (npm run sabotage -- --write)", () => {
    const rows = readSection("sabotage")
      .split("\n")
      .slice(2)
      .map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()));
    expect(rows.map(([, id, rules]) => `${id} ${rules}`)).toEqual(
      plantedBugs.map(({ id, rules }) => `\`${id}\` ${rules.join(" ")}`),
    );
    expect(rows.filter(([, , , , caughtBy]) => !caughtBy || caughtBy.includes("nothing"))).toEqual([]);
  });
});
