/**
 * Virtual time. An event is one turn: its function, then every microtask that follows, then its host's `endTurn`.
 * Events run in order of time; those due at the same moment in an order that the seed chooses.
 * A whole run is synchronous: it must be started from a macrotask, or the microtask queue could not be drained.
 */
import { setFlagsFromString } from "node:v8";
import { hashText, Rng } from "./rng.ts";

setFlagsFromString("--allow-natives-syntax");
const drainMicrotasks = new Function("%PerformMicrotaskCheckpoint()") as () => void;

/** Whoever's code runs in an event: an object, a device, the edge. */
export interface Host {
  readonly name: string;
  readonly rng: Rng;
  /** This host's clock against virtual time. Milliseconds. */
  readonly skewMs: number;
  /** The turn is over: commit, let out what was sent. */
  endTurn(): void;
  /** An event's function threw before its first await. */
  failed(error: unknown): void;
}

export interface SimEvent {
  at: number;
  order: number;
  kind: string;
  host: Host | null;
  run: () => void;
  isCancelled: boolean;
  isDone: boolean;
}

const start = Date.UTC(2027, 0, 1);

export class Scheduler {
  /** Milliseconds since 1970. */
  now = start;
  current: Host | null = null;
  eventCount = 0;
  /** Set by whoever has seen enough: no further event runs. */
  isStopped = false;
  hash = 0;
  readonly #rng: Rng;
  readonly #heap: SimEvent[] = [];
  readonly #hashes = new Map<string, number>();

  constructor(seed: string) {
    this.#rng = new Rng(`${seed}/scheduler`);
  }

  after(delayMs: number, kind: string, host: Host | null, run: () => void): SimEvent {
    const at = this.now + Math.max(0, delayMs);
    const event = { at, order: this.#rng.next(), kind, host, run, isCancelled: false, isDone: false };
    this.#push(event);
    return event;
  }

  /** Runs what is due up to `until`, which then is the time. */
  get elapsedMs(): number {
    return this.now - start;
  }

  runUntil(until: number): void {
    for (
      let next = this.#heap[0];
      next !== undefined && next.at <= until && !this.isStopped;
      next = this.#heap[0]
    ) {
      this.#pop();
      if (!next.isCancelled) this.#turn(next);
    }
    this.now = Math.max(this.now, until);
  }

  /** Makes the run's hash depend on a fact. */
  mix(fact: number): void {
    this.hash = Math.imul(this.hash ^ fact, 0x01000193) ^ (this.hash >>> 13);
  }

  #turn(event: SimEvent): void {
    this.now = Math.max(this.now, event.at);
    this.eventCount += 1;
    this.mix(
      this.#hashOf(event.kind) ^ this.#hashOf(event.host?.name ?? "") ^ Math.floor(this.now % 2 ** 31),
    );
    this.current = event.host;
    event.isDone = true;
    try {
      event.run();
    } catch (error) {
      if (event.host === null) throw error;
      event.host.failed(error);
    }
    drainMicrotasks();
    event.host?.endTurn();
    this.current = null;
  }

  #hashOf(text: string): number {
    const known = this.#hashes.get(text);
    if (known !== undefined) return known;
    const hash = hashText(text, 1);
    this.#hashes.set(text, hash);
    return hash;
  }

  #push(event: SimEvent): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[index * 2 + 1];
      const right = heap[index * 2 + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = index * 2 + (isRight ? 2 : 1);
    }
    heap[index] = last;
  }
}

function isBefore(one: SimEvent, other: SimEvent): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
