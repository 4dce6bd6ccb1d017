/**
 * A device's store behind the SDK's store port, in memory: what is on it outlives the app. Operations run in order and
 * may take a while; those that an app had not been answered when it was closed did not happen.
 */
import type { MessageRecord } from "../../src/client/store/records.ts";
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
} from "../../src/client/store/store.ts";

/** Full, or broken. */
export class StoreRefused extends Error {
  constructor() {
    super(refusal);
  }
  /** From another tab it comes as its text only. */
  static isOne(error: unknown): boolean {
    return error instanceof Error && error.message === refusal;
  }
}
const refusal = "The store refuses to write.";

type AnyRecord = Tables[TableName];
type SingleTable = Exclude<TableName, RangedTable>;
interface Row {
  at: number;
  sub: number;
  record: AnyRecord;
}

function isRanged(table: TableName): table is RangedTable {
  return tableKeys[table].length > 1;
}
function mapsFor<T extends TableName, V>(tables: readonly T[]): Record<T, Map<string, V>> {
  return Object.fromEntries(tables.map((table) => [table, new Map<string, V>()])) as Record<
    T,
    Map<string, V>
  >;
}

export class StoreData {
  readonly single = mapsFor<SingleTable, AnyRecord>(
    tableNames.filter((table) => !isRanged(table)) as SingleTable[],
  );
  readonly ranged = mapsFor<RangedTable, Row[]>(tableNames.filter(isRanged));

  /** What would take back each transaction since the last that was forced to the disk. */
  #undo: Change[][] = [];

  get<T extends TableName>(table: T, key: Key): Tables[T] | null {
    const [first = "", at = 0, sub = 0] = key;
    if (!isRanged(table))
      return (this.single[table as SingleTable].get(String(first)) as Tables[T] | undefined) ?? null;
    const rows = this.rows(table, String(first));
    const index = placeOf(rows, Number(at), Number(sub));
    const row = rows[index];
    return row !== undefined && row.at === at && row.sub === sub ? (row.record as Tables[T]) : null;
  }
  rows(table: RangedTable, conversationId: string): Row[] {
    return this.ranged[table].get(conversationId) ?? [];
  }
  records<T extends RangedTable>(table: T, conversationId: string): Tables[T][] {
    return this.rows(table, conversationId).map((row) => row.record as Tables[T]);
  }
  range<T extends RangedTable>(table: T, range: Range): Tables[T][] {
    const { conversationId, from = 0, to = Number.MAX_SAFE_INTEGER, newestFirst = false, limit } = range;
    const rows = this.rows(table, conversationId);
    let found = rows.slice(placeOf(rows, from, 0), placeOf(rows, to + 1, 0));
    if (newestFirst) found = found.reverse();
    if (limit !== undefined) found = found.slice(0, limit);
    return found.map((row) => row.record as Tables[T]);
  }
  all<T extends TableName>(table: T): Tables[T][] {
    if (!isRanged(table)) return [...this.single[table as SingleTable].values()] as Tables[T][];
    const ids = [...this.ranged[table].keys()].sort();
    return ids.flatMap((id) => this.records(table, id)) as Tables[T][];
  }
  countUnread(conversationId: string, after: number, upTo: number, max: number): number {
    let count = 0;
    for (const { record } of this.rows("messages", conversationId)) {
      const { countedSeq } = record as MessageRecord;
      if (countedSeq !== undefined && countedSeq > after && countedSeq <= upTo) count += 1;
    }
    return Math.min(count, max);
  }

  apply(changes: readonly Change[]): void {
    const undo = changes.map((change) => this.#inverse(change)).reverse();
    if (isStrict(changes)) this.#undo = [];
    else this.#undo.push(undo);
    this.#write(changes);
  }
  /** The machine went down: of the transactions that were not forced to the disk, the last ones never got there. */
  losePower(share: number): void {
    for (let lost = Math.round(share * this.#undo.length); lost > 0; lost -= 1)
      this.#write(this.#undo.pop() ?? []);
    this.#undo = [];
  }
  wipe(): void {
    this.#undo = [];
    for (const map of [...Object.values(this.single), ...Object.values(this.ranged)]) map.clear();
  }

  #write(changes: readonly Change[]): void {
    for (const change of changes) {
      if ("put" in change) this.#put(change.table, change.put);
      else this.#remove(change.table, change.remove);
    }
  }
  #inverse(change: Change): Change {
    const { table } = change;
    const key = "put" in change ? keyOf(table, change.put) : change.remove;
    const before = this.get(table, key);
    return before === null ? ({ table, remove: key } as Change) : ({ table, put: before } as Change);
  }

  #put(table: TableName, record: AnyRecord): void {
    Object.freeze(record);
    const fields = record as unknown as Record<string, string | number>;
    const [first = "", second = "", third = ""] = tableKeys[table];
    const key = String(fields[first]);
    if (!isRanged(table)) {
      this.single[table].set(key, record);
      return;
    }
    const rows = this.ranged[table].get(key) ?? [];
    this.ranged[table].set(key, rows);
    const row = { at: Number(fields[second]), sub: Number(fields[third] ?? 0), record };
    const index = placeOf(rows, row.at, row.sub);
    const isThere = rows[index]?.at === row.at && rows[index]?.sub === row.sub;
    rows.splice(index, isThere ? 1 : 0, row);
  }

  #remove(table: TableName, key: Key): void {
    const [first = "", at = 0, sub = 0] = key;
    if (!isRanged(table)) {
      this.single[table].delete(String(first));
      return;
    }
    const rows = this.rows(table, String(first));
    const index = placeOf(rows, Number(at), Number(sub));
    if (rows[index]?.at === at && rows[index]?.sub === sub) rows.splice(index, 1);
  }
}

function keyOf(table: TableName, record: AnyRecord): Key {
  const fields = record as unknown as Record<string, string | number>;
  return tableKeys[table].map((name) => fields[name] ?? "");
}

/** As the stores in browsers and Node have it (src/client/store/indexeddb.ts). */
function isStrict(changes: readonly Change[]): boolean {
  return changes.some(({ table }) => strictTables.has(table));
}

/** Index of the first row at or after the place. */
function placeOf(rows: readonly Row[], at: number, sub: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row !== undefined && (row.at < at || (row.at === at && row.sub < sub))) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One app's handle on the data. `later` runs its argument in a turn of the device, if the app still lives then. */
export class MemoryStore implements Store {
  readonly #data: StoreData;
  readonly #isSlow: () => boolean;
  readonly #isRefused: () => boolean;
  readonly #later: (run: () => void) => void;
  readonly #onApply: (changes: readonly Change[]) => void;
  #queue: (() => void)[] = [];

  constructor(options: {
    data: StoreData;
    isSlow: () => boolean;
    isRefused: () => boolean;
    later: (run: () => void) => void;
    onApply: (changes: readonly Change[]) => void;
  }) {
    this.#data = options.data;
    this.#isSlow = options.isSlow;
    this.#isRefused = options.isRefused;
    this.#later = options.later;
    this.#onApply = options.onApply;
  }

  async get<T extends TableName>(table: T, key: Key): Promise<Tables[T] | null> {
    return await this.#do(() => this.#data.get(table, key));
  }
  async range<T extends RangedTable>(table: T, range: Range): Promise<Tables[T][]> {
    return await this.#do(() => this.#data.range(table, range));
  }
  async all<T extends TableName>(table: T): Promise<Tables[T][]> {
    return await this.#do(() => this.#data.all(table));
  }
  async countUnread(conversationId: string, after: number, upTo: number, max: number): Promise<number> {
    return await this.#do(() => this.#data.countUnread(conversationId, after, upTo, max));
  }
  async apply(changes: readonly Change[]): Promise<void> {
    await this.#do(() => {
      if (this.#isRefused()) throw new StoreRefused();
      this.#data.apply(changes);
      this.#onApply(changes);
    });
  }
  async wipe(): Promise<void> {
    await this.#do(() => this.#data.wipe());
  }
  async close(): Promise<void> {}

  #do<T>(work: () => T): Promise<T> {
    if (this.#queue.length === 0 && !this.#isSlow()) return new Promise((resolve) => resolve(work()));
    return new Promise((resolve, reject) => {
      this.#queue.push(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
      if (this.#queue.length === 1) this.#later(() => this.#next());
    });
  }
  #next(): void {
    this.#queue[0]?.();
    this.#queue.shift();
    if (this.#queue.length > 0) this.#later(() => this.#next());
  }
}
