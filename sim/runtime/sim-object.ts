/**
 * A Durable Object: its storage and sockets outlive its memory. An instance is made by the first event that needs it,
 * forgets everything when it has been idle for ten seconds, and dies in a crash. What a turn sends leaves only after
 * what was written before it is durable (the output gate); a crash before that loses both.
 */
import { SimAlarm } from "./alarm.ts";
import { Instance } from "./instance.ts";
import { LostConnection } from "./lost-connection.ts";
import type { Rng } from "./rng.ts";
import type { Host, SimEvent } from "./scheduler.ts";
import { SimStorage, type Snapshot } from "./storage.ts";
import type { Wire } from "./wire.ts";
import type { World } from "./world.ts";

export type ClassName = "Conversation" | "Inbox" | "Account";
export type ObjectClass = new (ctx: never, env: never) => object;
/** Something that happens to an instance, in a turn of its own. */
export type Work = (instance: Instance) => void;

const hibernateAfterMs = 10_000;

export class SimObject implements Host {
  readonly world: World;
  readonly className: ClassName;
  readonly id: string;
  readonly name: string;
  readonly rng: Rng;
  readonly storage = new SimStorage();
  readonly alarm: SimAlarm;
  /** Sockets that were accepted and are not gone: they survive hibernation. */
  readonly wires = new Set<Wire>();
  skewMs = 0;
  /** Answers a heartbeat without waking the object. */
  autoResponse: { request: string; response: string } | null = null;
  instance: Instance | null = null;
  /** Since it was restored, if it was. */
  hasWoken = true;
  /** Until then no call reaches it or gets an answer: its machine is cut off from the others. */
  isolatedUntil = 0;
  /** Crash after so many more turns; `before` the commit of the last, or after it. */
  doom: { turns: number; before: boolean } | null = null;
  readonly #class: ObjectClass;
  #work: Work[] = [];
  #outputs: (() => void)[] = [];
  /** Turns whose writes are not confirmed yet, as one. */
  #pending: (() => void)[] | null = null;
  #commitEvent: SimEvent | null = null;
  #idleEvent: SimEvent | null = null;
  #activeAt = 0;

  constructor(world: World, className: ClassName, id: string, objectClass: ObjectClass, rng: Rng) {
    this.world = world;
    this.className = className;
    this.id = id;
    this.name = `${className} ${id.slice(0, 6)}`;
    this.#class = objectClass;
    this.rng = rng;
    this.alarm = new SimAlarm(this);
  }

  get life(): object | null {
    return this.instance;
  }

  /** Called in an event of this host. Waits its turn while a constructor holds events back. */
  receive(work: Work): void {
    this.#work.push(work);
    this.#pump();
  }

  /** Leaves after the commit of this turn; outside of a turn, at once. */
  emit(output: () => void): void {
    if (this.world.scheduler.current === this) this.#outputs.push(output);
    else output();
  }

  endTurn(): void {
    const { world, rng } = this;
    const { faults } = world;
    this.#activeAt = world.scheduler.now;
    world.observer.turned(this);
    const isDoomed = this.doom !== null && this.instance !== null && --this.doom.turns <= 0;
    if ((isDoomed && this.doom?.before === true) || rng.chance(faults.commitFailsChance))
      return this.crash("its commit fails");
    this.#settle();
    if (isDoomed || rng.chance(faults.crashChance)) return this.crash("it crashes");
    if (rng.chance(faults.hibernateChance)) this.hibernate();
    this.#watchIdle();
  }

  failed(error: unknown): void {
    this.world.observer.unexpected(this.name, `a handler threw: ${describe(error)}`);
  }

  /** Memory is gone, and so are writes and outputs that were not durable, and the sockets. */
  crash(why: string): void {
    const { instance } = this;
    this.doom = null;
    this.world.say(this.name, () => (instance === null ? `${why} (it was not in memory)` : why));
    this.#commitEvent = cancelled(this.#commitEvent);
    this.#outputs = [];
    this.#pending = null;
    this.storage.rollback();
    this.instance = null;
    instance?.died();
    for (const wire of [...this.wires]) wire.cut();
    this.alarm.interrupted();
    const { serverSkewMs } = this.world.faults;
    this.skewMs = this.rng.between(-serverSkewMs, serverSkewMs);
    if (this.#work.length > 0) this.world.scheduler.after(0, "wake", this, () => this.#pump());
  }

  /** Memory gone, sockets and attachments kept; not while anything is pending. */
  hibernate(): boolean {
    if (this.instance === null || this.instance.isPinned || this.#pending !== null || this.#work.length > 0)
      return false;
    if (this.#outputs.length > 0 || this.alarm.isRunning) return false;
    this.world.observer.quiescent(this);
    this.world.say(this.name, () => "hibernates");
    this.instance.died();
    this.instance = null;
    return true;
  }

  restore(snapshot: Snapshot): void {
    this.crash("it is restored to an older point");
    this.hasWoken = false;
    this.storage.restore(snapshot);
    this.alarm.committed();
    this.world.observer.restored(this);
  }

  #pump(): void {
    this.instance ??= this.#wake();
    const { instance } = this;
    if (instance === null || instance.isBlocked) return;
    const work = this.#work.shift();
    if (work === undefined) return;
    this.hasWoken = true;
    work(instance);
    if (this.#work.length > 0) this.world.scheduler.after(0, "held event", this, () => this.#pump());
  }

  #wake(): Instance | null {
    const instance = new Instance(this, () =>
      this.world.scheduler.after(0, "ready", this, () => this.#pump()),
    );
    try {
      instance.start(this.#class, this.world.env);
      return instance;
    } catch (error) {
      this.world.observer.unexpected(this.name, `[F5] the constructor threw: ${describe(error)}`);
      return null;
    }
  }

  #settle(): void {
    const { world, rng, storage } = this;
    const outputs = this.#outputs;
    this.#outputs = [];
    if (!storage.isDirty && this.#pending === null) return run(outputs);
    this.#pending = [...(this.#pending ?? []), ...outputs];
    if (this.#commitEvent !== null) return;
    if (!rng.chance(world.faults.commitLateChance)) return this.#commit();
    this.#commitEvent = world.scheduler.after(rng.between(0, 15), "commit", null, () => this.#commit());
  }

  #commit(): void {
    const outputs = this.#pending ?? [];
    this.#pending = null;
    this.#commitEvent = cancelled(this.#commitEvent);
    const written = new Set(this.storage.written);
    this.storage.written.clear();
    this.storage.commit();
    this.alarm.committed();
    this.world.observer.committed(this, written);
    run(outputs);
  }

  #watchIdle(): void {
    if (this.#idleEvent !== null || this.instance === null) return;
    const due = this.#activeAt + hibernateAfterMs - this.world.scheduler.now;
    this.#idleEvent = this.world.scheduler.after(due, "idle?", null, () => {
      this.#idleEvent = null;
      if (this.instance?.isPinned === true) this.#activeAt = this.world.scheduler.now;
      if (this.world.scheduler.now - this.#activeAt < hibernateAfterMs || !this.hibernate())
        this.#watchIdle();
    });
  }
}

export function describe(error: unknown): string {
  if (error instanceof LostConnection) return error.message;
  return error instanceof Error
    ? `${error.name}: ${error.message} ${(error.stack ?? "").split("\n").slice(1, 4).join(" ")}`
    : String(error);
}

function run(outputs: readonly (() => void)[]): void {
  for (const output of outputs) output();
}

function cancelled(event: SimEvent | null): null {
  if (event !== null) event.isCancelled = true;
  return null;
}
