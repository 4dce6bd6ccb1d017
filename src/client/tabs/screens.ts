/**
 * The chats on screen in all tabs, as the leader knows them. A follower says which now and then; one that has not been
 * heard of for a while is gone (browsers close tabs without a word).
 */
import type { Environment, Timer } from "../environment.ts";

/** Background tabs run timers once a minute at best. */
export const screenRepeatMs = 30_000;
const screenLifetimeMs = 150_000;

interface Screen {
  closers: Map<string, () => void>;
  timer: Timer;
}

export class Screens {
  readonly #environment: Environment;
  readonly #open: (conversationId: string) => () => void;
  readonly #tabs = new Map<string, Screen>();
  constructor(environment: Environment, open: (conversationId: string) => () => void) {
    this.#environment = environment;
    this.#open = open;
  }

  shows(tab: string, chats: readonly string[]): void {
    const before = this.#tabs.get(tab);
    if (before !== undefined) this.#environment.clearTimer(before.timer);
    const closers = before?.closers ?? new Map<string, () => void>();
    for (const chat of chats) if (!closers.has(chat)) closers.set(chat, this.#open(chat));
    for (const [chat, close] of closers) {
      if (chats.includes(chat)) continue;
      closers.delete(chat);
      close();
    }
    const timer = this.#environment.setTimer(screenLifetimeMs, () => this.shows(tab, []));
    this.#tabs.set(tab, { closers, timer });
    if (closers.size === 0) this.#forget(tab);
  }

  stop(): void {
    for (const tab of [...this.#tabs.keys()]) this.shows(tab, []);
  }

  #forget(tab: string): void {
    const screen = this.#tabs.get(tab);
    if (screen !== undefined) this.#environment.clearTimer(screen.timer);
    this.#tabs.delete(tab);
  }
}
