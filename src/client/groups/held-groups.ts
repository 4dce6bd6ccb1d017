/**
 * The groups of this device, in memory as the store has them, and the lock under which one is read, stepped and stored
 * [E8]. Nothing inside the lock waits for the network, so that encrypting never waits for a conversation's turn.
 */
import type { HeldGroup, Ratchet } from "../crypto/port.ts";
import type { Environment } from "../environment.ts";
import type { Change, Store } from "../store/store.ts";
import { queued } from "../sync/queue.ts";

export class HeldGroups {
  readonly #store: Store;
  readonly #environment: Environment;
  readonly #held = new Map<string, HeldGroup | null>();
  readonly #locks = new Map<string, Promise<unknown>>();
  constructor(store: Store, environment: Environment) {
    this.#store = store;
    this.#environment = environment;
  }

  /** Runs `work` alone among all that read or change this conversation's group. */
  locked<T>(conversationId: string, work: () => Promise<T>): Promise<T> {
    return queued(this.#locks, conversationId, work);
  }

  async get(conversationId: string): Promise<HeldGroup | null> {
    const known = this.#held.get(conversationId);
    if (known !== undefined) return known;
    const record = await this.#store.get("groups", [conversationId]);
    const ratchets = await this.#store.range("ratchets", { conversationId });
    const environment = this.#environment;
    // A name of its own: another tab's engine may have gone on since the last one was given.
    const version = `stored-${environment.newMessageId(environment.now())}`;
    const group = record === null ? null : { ...record, version, ratchets: ratchets.map(withoutId) };
    this.#held.set(conversationId, group);
    return group;
  }

  /** After the changes were stored. */
  stored(conversationId: string, group: HeldGroup | null): void {
    this.#held.set(conversationId, group);
  }

  /** What the store must change so that it holds `next` instead of `before`: a few ratchets, or everything. */
  changes(conversationId: string, before: HeldGroup | null, next: HeldGroup | null): Change[] {
    if (next === before) return [];
    if (next !== null && before?.state === next.state) {
      const known = new Set(before.ratchets);
      const fresh = next.ratchets.filter((ratchet) => !known.has(ratchet));
      return fresh.map((ratchet): Change => ({ table: "ratchets", put: { ...ratchet, conversationId } }));
    }
    const gone = (before?.ratchets ?? []).map(
      ({ leafIndex }): Change => ({ table: "ratchets", remove: [conversationId, leafIndex] }),
    );
    if (next === null) return [...gone, { table: "groups", remove: [conversationId] }];
    const { ratchets, version: _, ...put } = next;
    const rows = ratchets.map(
      (ratchet): Change => ({ table: "ratchets", put: { ...ratchet, conversationId } }),
    );
    return [...gone, { table: "groups", put }, ...rows];
  }
}

function withoutId({ epoch, leafIndex, bytes }: Ratchet): Ratchet {
  return { epoch, leafIndex, bytes };
}
