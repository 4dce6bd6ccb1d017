/** An `Environment` on virtual time: timers run when the test advances the clock, chance comes from a seed. */
import { v7 } from "uuid";
import type { Environment, SocketHandlers, Timer } from "../../../../src/client/environment.ts";

export interface Network {
  fetch(url: string, init: RequestInit): Promise<Response>;
  connect(
    url: string,
    protocols: string[],
    handlers: SocketHandlers,
  ): { send(text: string): void; close(): void };
}

export class VirtualEnvironment implements Environment {
  nowMs = 1_800_000_000_000;
  /** The clock has moved. */
  onTime: (nowMs: number) => void = () => {};
  readonly #network: Network;
  #seed: number;
  readonly #timers = new Map<number, { atMs: number; run: () => void }>();
  #lastTimer = 0;

  constructor(network: Network, seed = 1) {
    this.#network = network;
    this.#seed = seed;
  }

  now(): number {
    return this.nowMs;
  }
  random(): number {
    // Mulberry32.
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
  randomBytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => Math.floor(this.random() * 256));
  }
  newMessageId(nowMs: number): string {
    return v7({ msecs: nowMs, random: this.randomBytes(16) });
  }
  setTimer(delayMs: number, run: () => void): Timer {
    this.#lastTimer += 1;
    this.#timers.set(this.#lastTimer, { atMs: this.nowMs + delayMs, run });
    return { timer: this.#lastTimer };
  }
  clearTimer({ timer }: Timer): void {
    this.#timers.delete(timer as number);
  }
  get timerCount(): number {
    return this.#timers.size;
  }
  fetch(url: string, init: RequestInit): Promise<Response> {
    return this.#network.fetch(url, init);
  }
  openWebSocket(url: string, protocols: string[], handlers: SocketHandlers) {
    return this.#network.connect(url, protocols, handlers);
  }

  /** Everything that is due within `ms` runs, each after what it waits for has settled. */
  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await settle();
    for (let next = this.#next(endMs); next !== null; next = this.#next(endMs)) {
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.onTime(this.nowMs);
      this.#timers.delete(next.id);
      next.run();
      await settle();
    }
    this.nowMs = endMs;
    this.onTime(endMs);
  }

  /** Advances in small steps until `holds`; fails after a minute of virtual time. */
  async until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    for (let waitedMs = 0; waitedMs <= 60_000; waitedMs += 100) {
      await settle();
      if (await holds()) return;
      await this.advance(100);
    }
    throw new Error(`Waited a virtual minute in vain: ${what}`);
  }

  #next(endMs: number): { id: number; atMs: number; run: () => void } | null {
    let found: { id: number; atMs: number; run: () => void } | null = null;
    for (const [id, timer] of this.#timers) {
      if (timer.atMs <= endMs && (found === null || timer.atMs < found.atMs)) found = { id, ...timer };
    }
    return found;
  }
}

/** Lets promises and the turn's immediates run out. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
