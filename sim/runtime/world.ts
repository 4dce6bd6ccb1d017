/** What every part of one run shares: time, objects by name, the faults in force, who watches, and the trace. */
import type { EngineName } from "../crypto/engines.ts";
import type { Trace } from "../trace.ts";
import { type Faults, isSound } from "./faults.ts";
import type { Observer } from "./observer.ts";
import { Rng } from "./rng.ts";
import { Scheduler } from "./scheduler.ts";
import { type ClassName, type ObjectClass, SimObject } from "./sim-object.ts";

export class World {
  readonly seed: string;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly objects = new Map<string, SimObject>();
  readonly env: Record<string, unknown>;
  faults: Faults;
  /** Since when nothing has gone wrong between objects, or in them; null while it may. Milliseconds. */
  soundSince: number | null;
  observer: Observer;
  readonly engine: EngineName;
  readonly #classes: Record<ClassName, ObjectClass>;

  constructor(options: {
    seed: string;
    faults: Faults;
    trace: Trace;
    classes: Record<ClassName, ObjectClass>;
    env: (world: World) => Record<string, unknown>;
    observer: Observer;
    engine: EngineName;
  }) {
    this.seed = options.seed;
    this.scheduler = new Scheduler(options.seed);
    this.faults = options.faults;
    this.soundSince = isSound(options.faults) ? this.scheduler.now : null;
    this.trace = options.trace;
    this.observer = options.observer;
    this.engine = options.engine;
    this.#classes = options.classes;
    this.env = options.env(this);
  }

  object(className: ClassName, name: string): SimObject {
    const key = `${className}/${name}`;
    const known = this.objects.get(key);
    if (known !== undefined) return known;
    const made = new SimObject(this, className, name, this.#classes[className], this.rng(key));
    this.objects.set(key, made);
    return made;
  }
  ofClass(className: ClassName): SimObject[] {
    return [...this.objects.values()].filter((object) => object.className === className);
  }

  rng(name: string): Rng {
    return new Rng(`${this.seed}/${name}`);
  }
  say(who: string, what: () => string): void {
    this.trace.say(this.scheduler.now, who, what);
  }
}
