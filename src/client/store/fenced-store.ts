/**
 * The store as one leader holds it. Once the leader has stopped, what it still had under way is not written any more:
 * after a log-out or a wipe it would bring back what is to be gone, without what belonged to it.
 */
import { ConnectionError } from "../connection-error.ts";
import type { Change, Key, Range, RangedTable, Store, TableName, Tables } from "./store.ts";

export class FencedStore implements Store {
  readonly #store: Store;
  #isClosed = false;
  constructor(store: Store) {
    this.#store = store;
  }

  /** From now on nothing is written. */
  fence(): void {
    this.#isClosed = true;
  }

  get<T extends TableName>(table: T, key: Key): Promise<Tables[T] | null> {
    return this.#store.get(table, key);
  }
  range<T extends RangedTable>(table: T, range: Range): Promise<Tables[T][]> {
    return this.#store.range(table, range);
  }
  all<T extends TableName>(table: T): Promise<Tables[T][]> {
    return this.#store.all(table);
  }
  countUnread(conversationId: string, after: number, upTo: number, max: number): Promise<number> {
    return this.#store.countUnread(conversationId, after, upTo, max);
  }
  async apply(changes: readonly Change[]): Promise<void> {
    if (this.#isClosed) throw new ConnectionError("This tab does not hold the connection any more.");
    await this.#store.apply(changes);
  }
  async wipe(): Promise<void> {
    if (!this.#isClosed) await this.#store.wipe();
  }
  async close(): Promise<void> {}
}
