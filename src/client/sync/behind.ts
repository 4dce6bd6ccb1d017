/** Conversations that could not be read up to date: tried again with back-off until it works, whatever hindered it. */
import { backoffMs } from "../connection/state.ts";
import type { Environment, Timer } from "../environment.ts";

export class Behind {
  readonly #environment: Environment;
  readonly #bringUp: (conversationId: string) => Promise<void>;
  readonly #waiting = new Map<string, { tries: number; timer: Timer | null }>();
  #isStopped = false;

  /** `bringUp` resolves when the conversation is up to date. */
  constructor(environment: Environment, bringUp: (conversationId: string) => Promise<void>) {
    this.#environment = environment;
    this.#bringUp = bringUp;
  }

  add(conversationId: string): void {
    if (this.#isStopped || this.#waiting.has(conversationId)) return;
    this.#waiting.set(conversationId, { tries: 0, timer: null });
    this.#schedule(conversationId);
  }

  /** The network is back: try everything now. */
  wake(): void {
    for (const [conversationId, { timer }] of this.#waiting) {
      if (timer === null) continue;
      this.#environment.clearTimer(timer);
      void this.#try(conversationId);
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const { timer } of this.#waiting.values()) if (timer !== null) this.#environment.clearTimer(timer);
    this.#waiting.clear();
  }

  #schedule(conversationId: string): void {
    const waiting = this.#waiting.get(conversationId);
    if (waiting === undefined) return;
    const delayMs = backoffMs(waiting.tries, this.#environment.random());
    waiting.timer = this.#environment.setTimer(delayMs, () => void this.#try(conversationId));
  }

  async #try(conversationId: string): Promise<void> {
    const waiting = this.#waiting.get(conversationId);
    if (waiting === undefined) return;
    waiting.timer = null;
    waiting.tries += 1;
    try {
      await this.#bringUp(conversationId);
      this.#waiting.delete(conversationId);
    } catch {
      this.#schedule(conversationId);
    }
  }
}
