/** The newest entries as they were serialised, so that fan-out and paging near the head read no rows [F9]. */
import { limits } from "../../src/protocol/limits.ts";
import { type LoggedEntry, readEntries } from "./log.ts";

const entriesMax = 512;
const bytesMax = 2 * 1024 * 1024;

export class EntryCache {
  #sql: SqlStorage;
  #entries: LoggedEntry[] = [];
  #bytes = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Appends what was just logged; entries are dense. */
  add(entries: readonly LoggedEntry[]): void {
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entry.json.length;
    }
    let drop = 0;
    while (
      this.#entries.length - drop > entriesMax ||
      (this.#bytes > bytesMax && this.#entries.length - drop > 1)
    ) {
      this.#bytes -= this.#entries[drop]?.json.length ?? 0;
      drop += 1;
    }
    if (drop > 0) this.#entries.splice(0, drop);
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
  }

  /** from … to in order, cut at `bytes` of JSON but never before the first. */
  range(from: number, to: number, bytes: number = limits.deliverBytesMax): LoggedEntry[] {
    const first = this.#entries[0]?.seq;
    if (first === undefined || from < first) return readEntries(this.#sql, from, to, bytes);
    const found: LoggedEntry[] = [];
    let sum = 0;
    for (const entry of this.#entries.slice(from - first, to - first + 1)) {
      sum += entry.json.length;
      if (found.length > 0 && sum > bytes) break;
      found.push(entry);
    }
    return found;
  }

  one(seq: number): LoggedEntry {
    const entry = this.range(seq, seq)[0];
    if (entry === undefined) throw new Error("the log is dense up to its head");
    return entry;
  }
}
