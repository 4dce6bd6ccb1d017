/** [F4] A device's progress against a model that keeps one state per entry. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeviceProgress, type Range } from "../../../durable/conversation/device-progress.ts";

type State = "under_way" | "handed" | "held" | "own" | "unknown";

/** One state per seq, no ranges: slow and plain. */
class Model {
  states = new Map<number, State>();
  acked = 0;
  placed = 0;
  offered: number;

  constructor(placed: number, head: number) {
    this.acked = placed;
    this.placed = placed;
    this.offered = head;
    for (let seq = placed + 1; seq <= head; seq++) this.states.set(seq, "unknown");
  }
  offer(to: number, state: State): void {
    for (let seq = this.offered + 1; seq <= to; seq++) this.states.set(seq, state);
    this.offered = Math.max(this.offered, to);
    this.absorb();
  }
  change({ from, to }: Range, was: State[], state: State): void {
    for (let seq = from; seq <= to; seq++) {
      const before = this.states.get(seq);
      if (before !== undefined && was.includes(before)) this.states.set(seq, state);
    }
    this.absorb();
  }
  ack(seq: number): void {
    this.acked = Math.max(this.acked, seq);
    this.placed = Math.max(this.placed, seq);
    this.offered = Math.max(this.offered, seq);
    this.absorb();
  }
  absorb(): void {
    for (;;) {
      const next = this.states.get(this.placed + 1);
      if (next !== "own" && next !== "held") break;
      this.placed += 1;
      if (next === "own" && this.acked === this.placed - 1) this.acked = this.placed;
    }
    for (const seq of this.states.keys()) if (seq <= this.placed) this.states.delete(seq);
  }
}

const length = fc.integer({ min: 1, max: 6 });
const place = fc.integer({ min: 1, max: 60 });
const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("offer" as const),
      by: length,
      state: fc.constantFrom("under_way" as const, "handed" as const, "own" as const),
    }),
    fc.record({
      kind: fc.constant("settle" as const),
      from: place,
      by: length,
      state: fc.constantFrom("handed" as const, "held" as const, "unknown" as const),
    }),
    fc.record({ kind: fc.constant("again" as const), from: place, by: length }),
    fc.record({ kind: fc.constant("own" as const), from: place, by: length }),
    fc.record({ kind: fc.constant("ack" as const), seq: place }),
  ),
  { maxLength: 60 },
);
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

function apply(step: Step, progress: DeviceProgress, model: Model, now: number): void {
  if (step.kind === "offer") {
    const to = progress.offered + step.by;
    progress.offer(to, step.state, now);
    model.offer(to, step.state);
  } else if (step.kind === "ack") {
    // A claim beyond the head never comes here: the caller has refused it.
    const seq = Math.min(step.seq, progress.offered);
    progress.ack(seq);
    model.ack(seq);
  } else {
    const range = { from: step.from, to: step.from + step.by - 1 };
    if (step.kind === "settle") {
      progress.settle(range, step.state, now);
      model.change(range, ["under_way"], step.state);
    } else if (step.kind === "again") {
      progress.offerAgain(range, now);
      model.change(range, ["handed", "unknown"], "under_way");
    } else {
      progress.passOwn(range);
      model.change(range, ["unknown"], "own");
    }
  }
}

describe("the progress of a device", () => {
  it("[F4] acked ≤ placed ≤ offered; nothing is placed that was neither acked nor held nor own; none is forgotten", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 9 }),
        steps,
        (placed, ahead, list) => {
          const progress = new DeviceProgress(placed, placed, placed + ahead);
          const model = new Model(placed, placed + ahead);
          for (const [now, step] of list.entries()) {
            apply(step, progress, model, now * 100);
            expect(progress.acked).toBeLessThanOrEqual(progress.placed);
            expect(progress.placed).toBeLessThanOrEqual(progress.offered);
            expect([progress.placed, progress.offered]).toEqual([model.placed, model.offered]);
            const handed = [...model.states.values()].filter((state) => state === "handed").length;
            expect(progress.handedCount()).toBe(handed);
            // Every overdue entry, and no entry that is under way or held, is in exactly one overdue range.
            const ranges = progress.overdue(Number.POSITIVE_INFINITY);
            for (const [seq, state] of model.states) {
              const count = ranges.filter(({ from, to }) => from <= seq && seq <= to).length;
              if (state === "handed" || state === "unknown") expect(count).toBe(1);
              else if (state !== "own") expect(count).toBe(0);
            }
            for (const { from, to } of ranges) {
              expect(from).toBeGreaterThan(progress.placed);
              expect(to).toBeLessThanOrEqual(progress.offered);
            }
          }
          // Whatever happened: delivering what is overdue again, and acking, places everything.
          for (const range of progress.overdue(Number.POSITIVE_INFINITY)) progress.offerAgain(range, 0);
          progress.settle({ from: 0, to: progress.offered }, "held", 0);
          expect(progress.placed).toBe(progress.offered);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("[F6] the deadline counts from the oldest of what is handed, and a settled call starts it", () => {
    const progress = new DeviceProgress(0, 0, 0);
    progress.offer(2, "under_way", 0);
    expect(progress.overdue(10_000)).toEqual([]);
    progress.settle({ from: 1, to: 2 }, "handed", 1_000);
    progress.offer(3, "handed", 1_100);
    progress.offer(4, "handed", 5_000);
    expect(progress.oldestHandedAt()).toBe(1_000);
    expect(progress.overdue(999)).toEqual([]);
    expect(progress.overdue(1_000)).toEqual([{ from: 1, to: 3 }]);
    progress.ack(3);
    expect(progress.oldestHandedAt()).toBe(5_000);
  });

  it("[F4] an ack of the last foreign entry covers the own ones behind it", () => {
    const progress = new DeviceProgress(0, 0, 0);
    progress.offer(1, "handed", 0);
    progress.offer(3, "own", 0);
    progress.offer(4, "handed", 0);
    progress.ack(1);
    expect([progress.acked, progress.placed]).toEqual([3, 3]);
  });

  it("[F9] the number of segments follows changes of state, not entries: failing calls are one range", () => {
    const progress = new DeviceProgress(0, 0, 0);
    for (let seq = 1; seq <= 5_000; seq++) {
      progress.offer(seq, "under_way", seq);
      progress.settle({ from: seq, to: seq }, seq === 1 ? "unknown" : "held", seq);
    }
    const started = performance.now();
    for (let i = 0; i < 1_000; i++) progress.overdue(0);
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(progress.overdue(0)).toEqual([{ from: 1, to: 1 }]);
  });
});
