/** Waits for conditions, never for ever. */
import { setTimeout } from "node:timers/promises";

/** What the run waited for did not come. */
export class Impatience extends Error {}

const lookPauseMs = 10;

export async function until(what: string, patienceMs: number, condition: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > end) throw new Impatience(`${what} did not come about in ${patienceMs / 1000} s`);
    await setTimeout(lookPauseMs);
  }
}
