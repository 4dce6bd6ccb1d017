/** Message ids that end in a number of the benchmark's own, so that a missing, doubled or overtaken message is seen. */
import type { PairEvents } from "./contender.ts";

const digits = 12;

export function numbered(prefix: string, number: number): string {
  return prefix + number.toString(16).padStart(digits, "0");
}

/** Finds the ids of one prefix in what a connection received; they must come as 0, 1, 2 … */
export class NumberedIds {
  readonly #prefix: string;
  readonly #counted: (count: number) => void;
  readonly #failed: PairEvents["failed"];
  count = 0;

  constructor(prefix: string, counted: (count: number) => void, failed: PairEvents["failed"]) {
    this.#prefix = prefix;
    this.#counted = counted;
    this.#failed = failed;
  }

  /** Each id stands once in what announces it, and nowhere else. */
  take(text: string): void {
    const before = this.count;
    for (let at = text.indexOf(this.#prefix); at >= 0; at = text.indexOf(this.#prefix, at)) {
      at += this.#prefix.length;
      const number = Number.parseInt(text.slice(at, at + digits), 16);
      if (number !== this.count)
        return this.#failed(new Error(`message ${number} came where ${this.count} was due`));
      this.count += 1;
    }
    if (this.count > before) this.#counted(this.count - before);
  }
}
