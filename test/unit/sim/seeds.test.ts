/** 200 seeds of the whole system on virtual time: rules, object shells and SDK (design.md, section 11). */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { makePlan, type Plan } from "../../../sim/actors/plan.ts";
import { loadRealEngine } from "../../../sim/crypto/engines.ts";
import { inMacrotask } from "../../../sim/macrotask.ts";
import { simulate } from "../../../sim/simulate.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const run = promisify(execFile);

describe("the simulator", () => {
  it("breaks no rule in 200 seeds", { timeout: 300_000 }, async () => {
    const args = ["sim/main.ts", "--seeds", "200", "--json"];
    // It exits with 1 if a seed fails; what it printed then is the message.
    const { stdout } = await run(process.execPath, args, { cwd: root, maxBuffer: 2 ** 26 }).catch(
      (failure: { stdout: string }) => failure,
    );
    const last: unknown = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    expect(last, stdout).toMatchObject({
      seeds: 200,
      operations: 40_000,
      violations: 0,
      failing_seeds: [],
    });
  });

  it("gives the same trace for the same seed, with and without sentences", async () => {
    for (const seed of ["3", "7", "11"]) {
      const hashes: string[] = [];
      for (const trace of [false, true, false]) {
        const outcome = await inMacrotask(() => simulate(makePlan(seed, 120), { trace }));
        hashes.push(`${outcome.hash}/${outcome.eventCount}`);
      }
      expect(new Set(hashes).size, `seed ${seed}`).toBe(1);
    }
  });

  it("[E2] breaks no rule with MLS as it ships, and gives the same trace again", {
    timeout: 300_000,
  }, async () => {
    await loadRealEngine();
    let entryCount = 0;
    for (const seed of ["2", "5", "9"]) {
      const plan: Plan = { ...makePlan(seed, 100), engine: "real" };
      const outcomes = [await inMacrotask(() => simulate(plan)), await inMacrotask(() => simulate(plan))];
      expect(outcomes[0]?.violation, `seed ${seed}`).toBeNull();
      expect(outcomes[0]?.hash, `seed ${seed}`).toBe(outcomes[1]?.hash);
      entryCount += outcomes[0]?.entryCount ?? 0;
    }
    expect(entryCount).toBeGreaterThan(0);
  });

  it("gives different traces for different seeds", async () => {
    const one = await inMacrotask(() => simulate(makePlan("21", 60)));
    const other = await inMacrotask(() => simulate(makePlan("22", 60)));
    expect(one.hash).not.toBe(other.hash);
  });
});
