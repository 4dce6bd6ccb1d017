/** The store in a browser. What must not be lost is on the disk before it counts as done. */
import { deleteDB, type IDBPDatabase, openDB } from "idb";
import {
  type Change,
  type Key,
  type Range,
  type RangedTable,
  type Store,
  strictTables,
  type TableName,
  type Tables,
  tableKeys,
  tableNames,
} from "./store.ts";

const schemaVersion = 2;

const beforeEncryption = ["conversations", "entries", "messages", "outbox"];

export async function openIndexedDbStore(name = "kittiwake"): Promise<Store> {
  const db = await openDB(name, schemaVersion, {
    upgrade(database, from) {
      // Version 1 was of the time before encryption: its chats exist on no server any more, only the log-in is kept.
      if (from === 1) for (const table of beforeEncryption) database.deleteObjectStore(table);
      for (const table of tableNames) {
        if (database.objectStoreNames.contains(table)) continue;
        const objects = database.createObjectStore(table, { keyPath: [...tableKeys[table]] });
        // Records without `countedSeq` are not in this index, so counting unread touches unread only.
        if (table === "messages") objects.createIndex("counted", ["conversationId", "countedSeq"]);
      }
    },
    // A newer version of the app wants to migrate: let it, this tab's next call fails and it reloads.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
  return new IndexedDbStore(db);
}

/** For an app that could not open the store, and for tests. */
export async function deleteIndexedDbStore(name = "kittiwake"): Promise<void> {
  await deleteDB(name);
}

class IndexedDbStore implements Store {
  readonly #db: IDBPDatabase;
  constructor(db: IDBPDatabase) {
    this.#db = db;
  }

  async get<T extends TableName>(table: T, key: Key): Promise<Tables[T] | null> {
    return ((await this.#db.get(table, [...key])) as Tables[T] | undefined) ?? null;
  }

  async range<T extends RangedTable>(table: T, range: Range): Promise<Tables[T][]> {
    const keys = keyRange(range);
    if (range.newestFirst !== true) return (await this.#db.getAll(table, keys, range.limit)) as Tables[T][];
    const found: Tables[T][] = [];
    let cursor = await this.#db.transaction(table).store.openCursor(keys, "prev");
    while (cursor !== null && found.length < (range.limit ?? Number.POSITIVE_INFINITY)) {
      found.push(cursor.value as Tables[T]);
      cursor = await cursor.continue();
    }
    return found;
  }

  async all<T extends TableName>(table: T): Promise<Tables[T][]> {
    return (await this.#db.getAll(table)) as Tables[T][];
  }

  async countUnread(conversationId: string, after: number, upTo: number, max: number): Promise<number> {
    if (upTo <= after) return 0;
    const keys = IDBKeyRange.bound([conversationId, after], [conversationId, upTo], true, false);
    return (await this.#db.getAllKeysFromIndex("messages", "counted", keys, max)).length;
  }

  async apply(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    const touched = [...new Set(changes.map((change) => change.table))];
    const durability = touched.some((table) => strictTables.has(table)) ? "strict" : "default";
    const transaction = this.#db.transaction(touched, "readwrite", { durability });
    try {
      for (const change of changes) {
        const objects = transaction.objectStore(change.table);
        const request = "put" in change ? objects.put(change.put) : objects.delete([...change.remove]);
        // A request that fails takes the transaction with it, and `done` says so.
        request.catch(() => {});
      }
      await transaction.done;
    } catch (error) {
      // A value that cannot be stored throws before it becomes a request: what was put before it would be committed.
      abort(transaction);
      throw error;
    }
  }

  async wipe(): Promise<void> {
    const transaction = this.#db.transaction(tableNames, "readwrite", { durability: "strict" });
    await Promise.all([
      ...tableNames.map((table) => transaction.objectStore(table).clear()),
      transaction.done,
    ]);
  }

  async close(): Promise<void> {
    this.#db.close();
  }
}

function abort(transaction: { abort(): void; done: Promise<void> }): void {
  transaction.done.catch(() => {});
  try {
    transaction.abort();
  } catch {
    // It has aborted itself already.
  }
}

/** An array sorts after every number, so `[id, to, []]` is the end of everything that starts with `[id, to]`. */
function keyRange({ conversationId, from, to }: Range): IDBKeyRange {
  const lower = from === undefined ? [conversationId] : [conversationId, from];
  const upper = to === undefined ? [conversationId, []] : [conversationId, to, []];
  return IDBKeyRange.bound(lower, upper);
}
