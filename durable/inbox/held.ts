/**
 * Rows of what devices have not acknowledged [D2]: a copy per device that lacks it [F1], in the order of each log.
 * A row goes only when the Conversation has counted an ack that covers it.
 */
import { limits } from "../../src/protocol/limits.ts";
import type { DeliverCall, DeliveredEntry } from "../rpc.ts";

export type HeldRow = {
  conversation_id: string;
  seq: number;
  log_id: string;
  mac: string | null;
  entry: string;
};
/** A place in the order in which rows are handed out. */
export interface HeldPosition {
  conversation_id: string;
  seq: number;
}

interface Size {
  entries: number;
  bytes: number;
}

export class Held {
  #sql: SqlStorage;
  /** At most this much is held, by device: what goes is not taken off. Measured anew where it would matter. */
  #sizes = new Map<number, Size>();
  /** Devices found to have no rows, and given none since. After a wake nothing is known, and the rows are asked again. */
  #empty = new Set<number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** [F9] Whether these may be held for the device besides what is. */
  fits(deviceId: number, entries: readonly DeliveredEntry[]): boolean {
    const added = sizeOf(entries);
    const known = this.#sizes.get(deviceId);
    if (known !== undefined && isWithin(known, added)) return true;
    const measured = this.#measure(deviceId);
    this.#sizes.set(deviceId, measured);
    return isWithin(measured, added);
  }

  /** Idempotent: an entry that is there already stays as it is. */
  store(
    deviceId: number,
    call: Pick<DeliverCall, "conversation_id" | "log_id" | "mac" | "to">,
    entries: readonly DeliveredEntry[],
  ): void {
    this.#empty.delete(deviceId);
    for (const entry of entries) {
      this.#sql.exec(
        "INSERT OR IGNORE INTO held (device_id, conversation_id, seq, log_id, mac, entry) VALUES (?, ?, ?, ?, ?, ?)",
        deviceId,
        call.conversation_id,
        entry.seq,
        call.log_id,
        entry.seq === call.to ? call.mac : null,
        entry.json,
      );
    }
    const size = this.#sizes.get(deviceId);
    if (size !== undefined) this.#sizes.set(deviceId, sum(size, sizeOf(entries)));
  }

  /**
   * [L5] Entries of a log that was replaced can never be acknowledged. Every store comes after this, so the rows of a
   * chat are all of one log, and the first tells which. Returns whether there were any.
   */
  dropOtherLogs(deviceId: number, conversationId: string, logId: string): boolean {
    if (this.#empty.has(deviceId)) return false;
    const first = this.#sql
      .exec<{ log_id: string }>(
        "SELECT log_id FROM held WHERE device_id = ? AND conversation_id = ? ORDER BY seq LIMIT 1",
        deviceId,
        conversationId,
      )
      .toArray()[0];
    if (first === undefined || first.log_id === logId) return false;
    this.#sql.exec(
      "DELETE FROM held WHERE device_id = ? AND conversation_id = ? AND log_id <> ?",
      deviceId,
      conversationId,
      logId,
    );
    return true;
  }

  /** The next rows after a position, bounded in number; the caller bounds bytes and conversations. */
  after(deviceId: number, position: HeldPosition | null): Iterable<HeldRow> {
    return this.#sql.exec<HeldRow>(
      "SELECT conversation_id, seq, log_id, mac, entry FROM held WHERE device_id = ? AND (conversation_id, seq) > (?, ?) ORDER BY conversation_id, seq LIMIT ?",
      deviceId,
      position?.conversation_id ?? "",
      position?.seq ?? 0,
      limits.backlogEntriesMax,
    );
  }

  acknowledged(deviceId: number, conversationId: string, seq: number): void {
    if (this.#isEmpty(deviceId)) return;
    this.#sql.exec(
      "DELETE FROM held WHERE device_id = ? AND conversation_id = ? AND seq <= ?",
      deviceId,
      conversationId,
      seq,
    );
  }

  dropConversation(deviceId: number, conversationId: string): void {
    this.acknowledged(deviceId, conversationId, Number.MAX_SAFE_INTEGER);
  }
  dropDevice(deviceId: number): void {
    this.#sql.exec("DELETE FROM held WHERE device_id = ?", deviceId);
  }

  /**
   * Most acks are of a live device, for which nothing is held: they cost no statement. Asked outside of transactions only:
   * one that is undone could bring rows back.
   */
  #isEmpty(deviceId: number): boolean {
    if (this.#empty.has(deviceId)) return true;
    const rows = this.#sql.exec("SELECT 1 FROM held WHERE device_id = ? LIMIT 1", deviceId).toArray();
    if (rows.length === 0) this.#empty.add(deviceId);
    return rows.length === 0;
  }

  #measure(deviceId: number): Size {
    return this.#sql
      .exec<{ entries: number; bytes: number }>(
        "SELECT count(*) AS entries, coalesce(sum(octet_length(entry)), 0) AS bytes FROM held WHERE device_id = ?",
        deviceId,
      )
      .one();
  }
}

function sizeOf(entries: readonly DeliveredEntry[]): Size {
  return { entries: entries.length, bytes: entries.reduce((bytes, entry) => bytes + entry.json.length, 0) };
}
function sum(one: Size, other: Size): Size {
  return { entries: one.entries + other.entries, bytes: one.bytes + other.bytes };
}
function isWithin(known: Size, added: Size): boolean {
  const { entries, bytes } = sum(known, added);
  return entries <= limits.heldEntriesPerDeviceMax && bytes <= limits.heldBytesPerDeviceMax;
}
