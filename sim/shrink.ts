/** Makes a failing plan smaller while it still breaks the same rule: fewer operations, then fewer kinds of fault. */
import type { Plan } from "./actors/plan.ts";
import { type Faults, noFaults } from "./runtime/faults.ts";
import { type SimulateOptions, simulate } from "./simulate.ts";

export interface ShrinkOptions extends SimulateOptions {
  /** Tries at most. */
  runsMax?: number;
}

export interface Shrunk {
  plan: Plan;
  runs: number;
}

const millisecondsMax = 60_000;

/** To be called from a macrotask, like `simulate`. */
export function shrink(plan: Plan, rule: string, { runsMax = 250, ...options }: ShrinkOptions = {}): Shrunk {
  const endsAt = performance.now() + millisecondsMax;
  let runs = 0;
  const fails = (candidate: Plan) => {
    runs += 1;
    return simulate(candidate, options).violation?.rule === rule;
  };
  const hasTime = () => runs < runsMax && performance.now() < endsAt;

  let smallest = plan;
  for (
    let size = Math.ceil(plan.operations.length / 2);
    size >= 1 && hasTime();
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < smallest.operations.length && hasTime(); ) {
      const operations = smallest.operations.toSpliced(from, size);
      if (fails({ ...smallest, operations })) smallest = { ...smallest, operations };
      else from += size;
    }
  }
  for (const name of Object.keys(noFaults) as (keyof Faults)[]) {
    if (!hasTime() || smallest.profile.faults[name] === noFaults[name]) continue;
    const faults = { ...smallest.profile.faults, [name]: noFaults[name] };
    const candidate = { ...smallest, profile: { ...smallest.profile, faults } };
    if (fails(candidate)) smallest = candidate;
  }
  return { plan: smallest, runs };
}
