/**
 * An object's storage on node:sqlite, with the runtime's semantics: what a turn writes, its alarm included, is one
 * transaction that the host commits or loses; a throw keeps what was written before it; `transactionSync` undoes.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

type Row = Record<string, unknown>;

class Cursor {
  readonly rowsWritten: number;
  #rows: Row[];
  #next = 0;
  constructor(rows: Row[], rowsWritten: number) {
    this.#rows = rows;
    this.rowsWritten = rowsWritten;
  }
  next(): { done: true; value?: undefined } | { done: false; value: Row } {
    const value = this.#rows[this.#next];
    if (value === undefined) return { done: true };
    this.#next += 1;
    return { done: false, value };
  }
  toArray(): Row[] {
    const rest = this.#rows.slice(this.#next);
    this.#next = this.#rows.length;
    return rest;
  }
  one(): Row {
    const [row, ...more] = this.toArray();
    if (row === undefined || more.length > 0) throw new Error("Expected exactly one result from SQL query");
    return row;
  }
  [Symbol.iterator](): this {
    return this;
  }
}

export interface Snapshot {
  tables: { name: string; create: string; rows: Row[] }[];
  alarmAt: number | null;
}

export class SimStorage {
  readonly sql: { exec(query: string, ...values: unknown[]): Cursor };
  /** Changed since the last commit. */
  isDirty = false;
  /** Table names written since the last commit. */
  readonly written = new Set<string>();
  committedAlarm: number | null = null;
  #alarm: number | null = null;
  #db = new DatabaseSync(":memory:");
  #statements = new Map<string, { statement: StatementSync; table: string | null }>();
  #isOpen = false;

  constructor() {
    this.sql = { exec: (query, ...values) => this.#exec(query, values) };
  }

  transactionSync<T>(work: () => T): T {
    this.#begin();
    const alarm = this.#alarm;
    this.#db.exec("SAVEPOINT work");
    try {
      const result = work();
      this.#db.exec("RELEASE work");
      return result;
    } catch (error) {
      this.#db.exec("ROLLBACK TO work; RELEASE work");
      this.#alarm = alarm;
      throw error;
    }
  }

  async getAlarm(): Promise<number | null> {
    return this.#alarm;
  }
  async setAlarm(at: number | Date): Promise<void> {
    this.#alarm = Number(at);
    this.isDirty = true;
  }
  async deleteAlarm(): Promise<void> {
    this.#alarm = null;
    this.isDirty = true;
  }

  commit(): void {
    if (this.#isOpen) this.#db.exec("COMMIT");
    this.#isOpen = false;
    this.isDirty = false;
    this.committedAlarm = this.#alarm;
  }
  rollback(): void {
    if (this.#isOpen) this.#db.exec("ROLLBACK");
    this.#isOpen = false;
    this.isDirty = false;
    this.written.clear();
    this.#alarm = this.committedAlarm;
  }

  /** The alarm goes off: it is no longer set, whatever becomes of the handler. */
  takeAlarm(): void {
    this.#alarm = null;
    this.committedAlarm = null;
  }

  /** For the checker: reads as the object's own code would, uncommitted writes included. */
  rows(query: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(query).statement.all(...values);
  }
  hasTable(name: string): boolean {
    return this.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name).length > 0;
  }

  snapshot(): Snapshot {
    const tables = this.rows("SELECT name, sql FROM sqlite_master WHERE type = 'table'");
    return {
      tables: tables.map(({ name, sql }) => ({
        name: String(name),
        create: String(sql),
        rows: this.#db.prepare(`SELECT * FROM "${String(name)}"`).all(),
      })),
      alarmAt: this.committedAlarm,
    };
  }
  restore({ tables, alarmAt }: Snapshot): void {
    this.rollback();
    this.#db.close();
    this.#db = new DatabaseSync(":memory:");
    this.#statements.clear();
    for (const { name, create, rows } of tables) {
      this.#db.exec(create);
      for (const row of rows) {
        const values = Object.values(row) as SQLInputValue[];
        this.#db.prepare(`INSERT INTO "${name}" VALUES (${values.map(() => "?").join(", ")})`).run(...values);
      }
    }
    this.#alarm = alarmAt;
    this.committedAlarm = alarmAt;
  }
  close(): void {
    this.#db.close();
  }

  #exec(query: string, values: unknown[]): Cursor {
    if (values.length === 0 && /;\s*\S/.test(query)) {
      this.#begin();
      this.#db.exec(query);
      return new Cursor([], 0);
    }
    const { statement, table } = this.#prepare(query);
    const bound = values.map((value) =>
      value instanceof ArrayBuffer ? new Uint8Array(value) : value,
    ) as SQLInputValue[];
    if (table === null) return new Cursor(statement.all(...bound).map(withBuffers), 0);
    this.#begin();
    this.written.add(table);
    if (/\bRETURNING\b/i.test(query)) {
      const rows = statement.all(...bound);
      return new Cursor(rows.map(withBuffers), rows.length);
    }
    return new Cursor([], Number(statement.run(...bound).changes));
  }

  #prepare(query: string): { statement: StatementSync; table: string | null } {
    const known = this.#statements.get(query);
    if (known !== undefined) return known;
    const match =
      /^\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|UPDATE|DELETE\s+FROM|CREATE\s+TABLE(?:\s+IF NOT EXISTS)?)\s+(\w+)/i.exec(
        query,
      );
    const prepared = { statement: this.#db.prepare(query), table: match?.[1] ?? null };
    this.#statements.set(query, prepared);
    return prepared;
  }

  #begin(): void {
    this.isDirty = true;
    if (this.#isOpen) return;
    this.#db.exec("BEGIN");
    this.#isOpen = true;
  }
}

/** The runtime gives blobs as ArrayBuffer. */
function withBuffers(row: Row): Row {
  for (const [name, value] of Object.entries(row)) {
    if (value instanceof Uint8Array) {
      row[name] = value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength);
    }
  }
  return row;
}
