/** Messages to write: each unlike any other, of many lengths, in several scripts. */
import type { Rng } from "../sim/runtime/rng.ts";

const alphabet = [...'abcdefghijklmnopqrstuvwxyz      éßłçжшδω漢字かな🙂🪶"\\<&'];
const lengths = { usual: 200, rare: 6_000, rareChance: 0.02 };

export class Texts {
  readonly #rng: Rng;
  #count = 0;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  next(sender: string): string {
    this.#count += 1;
    const longest = this.#rng.chance(lengths.rareChance) ? lengths.rare : lengths.usual;
    const filler = Array.from({ length: this.#rng.index(longest) }, () => this.#rng.pick(alphabet));
    return `${sender} ${this.#count}: ${filler.join("")}`;
  }
}
