/**
 * [L3] Dedupe without an index: the ids of the newest entries in memory, reached further back by scanning the log.
 * Invariant: holds every id of the entries in (floor, head], and of no others.
 */
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";

export interface IdRow {
  seq: number;
  message_id: string;
  sender_id: string;
  device_id: number;
}

export class RecentIds {
  #seqs = new Map<string, number>();
  #floor: number;

  /** Starts knowing nothing: `head` is the last seq of the log. */
  constructor(head: number) {
    this.#floor = head;
  }

  /** The id belongs to the device that made it: another device's id never answers for it. */
  find(author: DeviceRef, messageId: string): number | undefined {
    return this.#seqs.get(keyOf(author.user_id, author.device_id, messageId));
  }

  /** Reaches back so that every id after `base` is known; `scan` reads rows with after < seq ≤ upTo, in order. */
  reach(base: number, scan: (after: number, upTo: number) => Iterable<IdRow>): void {
    if (base >= this.#floor) return;
    const older = new Map<string, number>();
    for (const row of scan(base, this.#floor)) {
      older.set(keyOf(row.sender_id, row.device_id, row.message_id), row.seq);
    }
    for (const [key, seq] of this.#seqs) older.set(key, seq);
    this.#seqs = older;
    this.#floor = base;
  }

  add(author: DeviceRef, messageId: string, seq: number): void {
    this.#seqs.set(keyOf(author.user_id, author.device_id, messageId), seq);
    if (this.#seqs.size > limits.recentIdsMax) this.#trim();
  }

  /** Drops the oldest, keeping all that a base may still reach back to. */
  #trim(): void {
    for (const [key, seq] of this.#seqs) {
      if (this.#seqs.size <= limits.baseDistanceMax) return;
      this.#seqs.delete(key);
      this.#floor = seq;
    }
  }
}

function keyOf(userId: string, deviceId: number, messageId: string): string {
  return `${messageId}${userId}${deviceId}`;
}
