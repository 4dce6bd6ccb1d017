/** Tabs of one browser in one process: a lock per name with a queue, and a channel that reaches all the others. */
import type { Tabs } from "../../../../src/client/tabs/tabs.ts";

export class FakeBrowser {
  readonly #locks = new Map<string, (() => void)[]>();
  readonly #ears = new Set<(message: unknown) => void>();

  tab(): Tabs {
    return {
      lead: (name, onLead) => this.#lead(name, onLead),
      join: (onMessage) => {
        this.#ears.add(onMessage);
        return {
          post: (message) => {
            const copy: unknown = structuredClone(message);
            for (const ear of this.#ears)
              if (ear !== onMessage) queueMicrotask(() => this.#ears.has(ear) && ear(copy));
          },
          close: () => this.#ears.delete(onMessage),
        };
      },
    };
  }

  #lead(name: string, onLead: () => void): () => void {
    const queue = this.#locks.get(name) ?? [];
    this.#locks.set(name, queue);
    queue.push(onLead);
    if (queue.length === 1) queueMicrotask(onLead);
    return () => {
      const place = queue.indexOf(onLead);
      if (place < 0) return;
      queue.splice(place, 1);
      const next = queue[0];
      if (place === 0 && next !== undefined) queueMicrotask(next);
    };
  }
}
