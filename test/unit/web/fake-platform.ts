/** The browser as the state layer sees it, in memory: its history, storage, focus and a clock that tests advance. */
import type { Platform } from "../../../src/web/state/platform.ts";
import type { HistoryPort } from "../../../src/web/state/router.ts";

export class FakeHistory implements HistoryPort {
  readonly location = { hash: "" };
  readonly entries: { url: string; state: unknown }[] = [{ url: "", state: null }];
  readonly history = this.#makeHistory();
  #position = 0;
  /** Moves back that the browser has not made yet; null: it makes them at once. */
  #held: (() => void)[] | null = null;
  readonly #listeners = new Set<() => void>();

  addEventListener(_type: "popstate", listener: () => void): void {
    this.#listeners.add(listener);
  }
  removeEventListener(_type: "popstate", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  /** As browsers do: a move back comes later. Returns what makes those that were asked for. */
  holdMoves(): () => void {
    const held: (() => void)[] = [];
    this.#held = held;
    return () => {
      this.#held = null;
      for (const move of held) move();
    };
  }

  #makeHistory(): HistoryPort["history"] {
    const fake = this;
    return {
      get state() {
        return fake.entries[fake.#position]?.state ?? null;
      },
      pushState(state, _unused, url) {
        fake.entries.splice(fake.#position + 1, Number.POSITIVE_INFINITY, { url, state });
        fake.#moveTo(fake.#position + 1);
      },
      replaceState(state, _unused, url) {
        fake.entries[fake.#position] = { url, state };
        fake.location.hash = url;
      },
      go(delta) {
        if (fake.#position + delta < 0) throw new Error("the app left its own history");
        const move = (): void => {
          fake.#moveTo(fake.#position + delta);
          for (const listener of [...fake.#listeners]) listener();
        };
        if (fake.#held === null) move();
        else fake.#held.push(move);
      },
    };
  }

  #moveTo(position: number): void {
    this.#position = position;
    this.location.hash = this.entries[position]?.url ?? "";
  }
}

export class FakeStorage implements Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length"> {
  readonly items = new Map<string, string>();
  get length(): number {
    return this.items.size;
  }
  key(index: number): string | null {
    return [...this.items.keys()][index] ?? null;
  }
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }
  removeItem(key: string): void {
    this.items.delete(key);
  }
}

export class FakePlatform implements Platform {
  readonly history = new FakeHistory();
  readonly storage = new FakeStorage();
  readonly deviceName = "Test browser";
  readonly country = undefined;
  isFront = true;
  isUp = true;
  reloads = 0;
  #nowMs = Date.UTC(2026, 10, 24, 12);
  readonly #timers = new Map<() => void, number>();
  readonly #listeners = new Set<() => void>();

  nowMs(): number {
    return this.#nowMs;
  }
  after(delayMs: number, callback: () => void): () => void {
    const run = (): void => callback();
    this.#timers.set(run, this.#nowMs + delayMs);
    return () => this.#timers.delete(run);
  }
  advance(ms: number): void {
    this.#nowMs += ms;
    for (const [run, atMs] of [...this.#timers]) {
      if (atMs > this.#nowMs) continue;
      this.#timers.delete(run);
      run();
    }
  }
  isForeground(): boolean {
    return this.isFront;
  }
  isNetworkUp(): boolean {
    return this.isUp;
  }
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  change(change: Partial<Pick<FakePlatform, "isFront" | "isUp">>): void {
    Object.assign(this, change);
    for (const listener of [...this.#listeners]) listener();
  }
  reload(): void {
    this.reloads += 1;
  }
  async shrinkPicture(file: Blob): Promise<Uint8Array> {
    return new Uint8Array(await file.arrayBuffer());
  }
}
