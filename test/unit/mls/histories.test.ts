// Random histories of groups, in which every valid join succeeds. A few here; `npm run test:histories` runs 500.
// The seed decides what happens, not the keys: a failure that comes back with its seed lies in the order of things.
import { expect, test } from "vitest";
import { History } from "./support/history.ts";

const count = Number(process.env.MLS_HISTORIES ?? 40);
const batch = 10;

test.each(Array.from({ length: Math.ceil(count / batch) }, (_, index) => index * batch + 1))(
  "histories from seed %i on",
  async (first) => {
    for (let seed = first; seed < Math.min(first + batch, count + 1); seed++) {
      const history = new History(seed);
      try {
        await history.run();
      } catch (cause) {
        throw new Error(`seed ${seed}: ${history.steps.join(" · ")}`, { cause });
      }
      expect(history.joins).toBeGreaterThan(0);
    }
  },
  120_000,
);
