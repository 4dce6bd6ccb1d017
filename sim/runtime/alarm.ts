/**
 * An object's alarm: at least once, one run at a time, no longer set while it runs. A run that throws is retried after
 * 2 s, 4 s … and given up after six; one that a crash cut short is retried without being counted.
 */
import type { SimEvent } from "./scheduler.ts";
import type { SimObject } from "./sim-object.ts";

const retryMs = 2_000;
const failuresMax = 6;

interface AlarmHandler {
  alarm?(info: { isRetry: boolean; retryCount: number }): Promise<void>;
}

export class SimAlarm {
  readonly #object: SimObject;
  #due: SimEvent | null = null;
  #dueAt: number | null = null;
  /** A run under way, or one that is to be retried. */
  #run: { failures: number; tries: number } | null = null;

  constructor(object: SimObject) {
    this.#object = object;
  }

  get isRunning(): boolean {
    return this.#run !== null;
  }

  /** The alarm that is durable may have changed. */
  committed(): void {
    const at = this.#object.storage.committedAlarm;
    if (at === this.#dueAt) return;
    if (this.#due !== null) this.#due.isCancelled = true;
    this.#due = null;
    this.#dueAt = at;
    if (at === null) return;
    const { scheduler } = this.#object.world;
    const { rng, world } = this.#object;
    const lateMs = rng.chance(world.faults.alarmLateChance) ? rng.between(0, 120_000) : rng.between(0, 20);
    const delay = Math.max(0, at - scheduler.now) + lateMs;
    this.#due = scheduler.after(delay, "alarm", this.#object, () => this.#goOff());
  }

  /** The object died. */
  interrupted(): void {
    if (this.#run !== null) this.#retry(this.#run, false);
  }

  #goOff(): void {
    this.#due = null;
    this.#dueAt = null;
    // One run at a time: the end of this one looks again.
    if (this.#run !== null) return;
    this.#object.storage.takeAlarm();
    this.#run = { failures: 0, tries: 0 };
    this.#start(this.#run);
  }

  #start(run: { failures: number; tries: number }): void {
    const object = this.#object;
    object.receive((instance) => {
      if (this.#run !== run) return;
      object.world.say(object.name, () =>
        run.tries > 0 ? `its alarm is tried again (${run.tries})` : "its alarm goes off",
      );
      const handler = instance.object as AlarmHandler;
      const finished =
        handler.alarm?.({ isRetry: run.tries > 0, retryCount: run.tries }) ?? Promise.resolve();
      finished.then(
        // Only a run whose writes are durable has happened.
        () => object.emit(() => this.#finish(run)),
        () =>
          object.emit(() => {
            if (this.#run === run) this.#retry(run, true);
          }),
      );
    });
  }

  #finish(run: { failures: number; tries: number }): void {
    if (this.#run !== run) return;
    const object = this.#object;
    if (object.rng.chance(object.world.faults.alarmTwiceChance)) return this.#retry(run, false);
    this.#run = null;
    this.#lookAgain();
  }

  #retry(run: { failures: number; tries: number }, isCounted: boolean): void {
    const object = this.#object;
    const failures = run.failures + (isCounted ? 1 : 0);
    // An alarm that was set during the run takes the place of the retry.
    if (object.storage.committedAlarm !== null || failures >= failuresMax) {
      this.#run = null;
      if (failures >= failuresMax)
        object.world.say(object.name, () => "its alarm is given up by the runtime");
      return this.#lookAgain();
    }
    const next = { failures, tries: run.tries + 1 };
    this.#run = next;
    const delay = retryMs * 2 ** Math.min(next.tries - 1, 9) * object.rng.between(1, 1.25);
    object.world.scheduler.after(delay, "alarm again", object, () => {
      if (this.#run === next) this.#start(next);
    });
  }

  #lookAgain(): void {
    this.#dueAt = null;
    if (this.#due !== null) this.#due.isCancelled = true;
    this.#due = null;
    this.committed();
  }
}
