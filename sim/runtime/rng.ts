/** Seeded chance (sfc32). Every host forks its own stream by name, so that one host's draws do not move another's. */
export class Rng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    this.#a = hashText(seed, 0x9e3779b9);
    this.#b = hashText(seed, 0x243f6a88);
    this.#c = hashText(seed, 0xb7e15162);
    for (let round = 0; round < 12; round += 1) this.next();
  }

  /** At least 0, below 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return (sum >>> 0) / 4294967296;
  }
  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }
  /** From 0 up to, and not including, `count`. */
  index(count: number): number {
    return Math.floor(this.next() * count);
  }
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.index(items.length)];
  }
  fill<T extends Uint8Array>(bytes: T): T {
    for (let i = 0; i < bytes.length; i += 1) bytes[i] = this.index(256);
    return bytes;
  }
}

/** FNV-1a over UTF-16 units, from any start. */
export function hashText(text: string, start: number): number {
  let hash = start ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}
