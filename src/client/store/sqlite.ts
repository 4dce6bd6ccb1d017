/** The store in Node, on `node:sqlite`: one table per port table, key columns beside the record as JSON, bytes in base64. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { base64 } from "@scure/base";
import {
  type Change,
  type Key,
  type Range,
  type RangedTable,
  type Store,
  type TableName,
  type Tables,
  tableKeys,
  tableNames,
} from "./store.ts";

const schemaVersion = 2;

/** `path` is a file, or ":memory:". */
export async function openSqliteStore(path: string): Promise<Store> {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000");
  createSchema(db);
  return new SqliteStore(db);
}

function createSchema(db: DatabaseSync): void {
  const found = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  if (found === schemaVersion) return;
  if (found > schemaVersion)
    throw new Error(`This store is of version ${String(found)}: update the app to open it.`);
  const tables = tableNames.map((table) => {
    const keys = tableKeys[table].join(", ");
    return `CREATE TABLE "${table}" (${keys}, record TEXT NOT NULL, PRIMARY KEY (${keys})) WITHOUT ROWID;`;
  });
  // Version 1 was of the time before encryption: its chats exist on no server any more, only the log-in is kept.
  const keepsValues = found === 1;
  db.exec(`BEGIN;
    ${keepsValues ? beforeEncryption.map((table) => `DROP TABLE "${table}";`).join(" ") : ""}
    ${(keepsValues ? tables.slice(1) : tables).join(" ")}
    ALTER TABLE messages ADD COLUMN counted INTEGER AS (record ->> '$.countedSeq') VIRTUAL;
    CREATE INDEX messages_counted ON messages (conversationId, counted) WHERE counted IS NOT NULL;
    PRAGMA user_version = ${schemaVersion}; COMMIT`);
}

const beforeEncryption = ["conversations", "entries", "messages", "outbox"];

/** Bytes in JSON: an object with this one field. */
const bytesField = "$bytes";

function toJson(record: unknown): string {
  return JSON.stringify(record, (_, value: unknown) =>
    value instanceof Uint8Array ? { [bytesField]: base64.encode(value) } : value,
  );
}
function fromJson(json: string): unknown {
  return JSON.parse(json, (_, value: unknown) => {
    const isBytes = typeof value === "object" && value !== null && bytesField in value;
    return isBytes ? base64.decode(String(value[bytesField])) : value;
  });
}

class SqliteStore implements Store {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  async get<T extends TableName>(table: T, key: Key): Promise<Tables[T] | null> {
    const where = tableKeys[table].map((column) => `${column} = ?`).join(" AND ");
    return this.#records(table, `SELECT record FROM "${table}" WHERE ${where}`, [...key])[0] ?? null;
  }

  async range<T extends RangedTable>(table: T, range: Range): Promise<Tables[T][]> {
    const [, second] = tableKeys[table];
    const direction = range.newestFirst === true ? "DESC" : "ASC";
    const order = tableKeys[table].map((column) => `${column} ${direction}`).join(", ");
    const sql = `SELECT record FROM "${table}" WHERE conversationId = ? AND ${second} BETWEEN ? AND ? ORDER BY ${order} LIMIT ?`;
    const { conversationId, from = 0, to = Number.MAX_SAFE_INTEGER, limit = -1 } = range;
    return this.#records(table, sql, [conversationId, from, to, limit]);
  }

  async all<T extends TableName>(table: T): Promise<Tables[T][]> {
    return this.#records(table, `SELECT record FROM "${table}" ORDER BY ${tableKeys[table].join(", ")}`, []);
  }

  async countUnread(conversationId: string, after: number, upTo: number, max: number): Promise<number> {
    const sql = `SELECT count(*) AS found FROM (SELECT 1 FROM messages
      WHERE conversationId = ? AND counted IS NOT NULL AND counted > ? AND counted <= ? LIMIT ?)`;
    return Number(this.#prepare(sql).get(conversationId, after, upTo, max)?.found);
  }

  async apply(changes: readonly Change[]): Promise<void> {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const change of changes) this.#applyOne(change);
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  async wipe(): Promise<void> {
    // VACUUM and the checkpoint take the old pages off the disk too.
    this.#db.exec(`BEGIN; ${tableNames.map((table) => `DELETE FROM "${table}";`).join(" ")} COMMIT`);
    this.#db.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  #applyOne(change: Change): void {
    const columns = tableKeys[change.table];
    if ("put" in change) {
      const record = change.put as unknown as Record<string, SQLInputValue>;
      const key = columns.map((column) => record[column] ?? null);
      const marks = columns.map(() => "?").join(", ");
      const sql = `INSERT OR REPLACE INTO "${change.table}" (${columns.join(", ")}, record) VALUES (${marks}, ?)`;
      this.#prepare(sql).run(...key, toJson(record));
    } else {
      const where = columns.map((column) => `${column} = ?`).join(" AND ");
      this.#prepare(`DELETE FROM "${change.table}" WHERE ${where}`).run(...change.remove);
    }
  }

  #records<T extends TableName>(_table: T, sql: string, values: SQLInputValue[]): Tables[T][] {
    const rows = this.#prepare(sql).all(...values);
    return rows.map((row) => fromJson(String(row.record)) as Tables[T]);
  }

  #prepare(sql: string): ReturnType<DatabaseSync["prepare"]> {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
