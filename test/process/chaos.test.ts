/** A small chaos run in every `npm test`, and the proof that such a run can fail. */
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { Chaos, type ChaosOptions, type ChaosOutcome } from "../../chaos/chaos.ts";

async function chaos(options: Omit<ChaosOptions, "clients" | "progress">): Promise<ChaosOutcome> {
  const run = await Chaos.prepare({ ...options, clients: 3, progress: (line) => console.log(line) });
  // After a timeout too: the server is a process group of its own.
  onTestFinished(() => run.dispose());
  return await run.run();
}

describe("a chaos run", () => {
  it("[L1] [L2] [L3] [D1] [D2] [D3] [F11] kills runtime and clients under load, and everything is there once, in order", async () => {
    const { verdict, recoveryMs, inFlightMin } = await chaos({ kills: 2, messages: 600, seed: "small" });
    expect(verdict.findings).toEqual([]);
    expect(verdict.acked).toBeGreaterThanOrEqual(600);
    expect(recoveryMs).toHaveLength(2);
    expect(inFlightMin).toBeGreaterThanOrEqual(100);
  });

  it("reports a client that acknowledges before it has stored", async () => {
    const clientScript = fileURLToPath(new URL("support/forgetful-client.ts", import.meta.url));
    const { verdict } = await chaos({
      kills: 1,
      messages: 200,
      seed: "forgetful",
      clientScript,
      settleMs: 5_000,
    });
    expect(verdict.lost).toBeGreaterThan(0);
  });
});
