/**
 * The one canonical history of each conversation, read from its storage when rows become durable. What is in it may
 * never change or vanish, unless the object is restored: then it is cut, and what follows is judged from there.
 */
import { deviceKey } from "../../src/protocol/ids.ts";
import type { SimObject } from "../runtime/sim-object.ts";
import type { ProgressRow } from "./progress-row.ts";

export interface CanonicalEntry {
  seq: number;
  messageId: string;
  author: string;
  sentAt: number;
  kind: string;
  isSilent: boolean;
}

export interface RosterRow {
  user_id: string;
  left_seq?: number;
  devices: { id: number; joined_seq: number; left_seq?: number; gone?: true }[];
}

export class History {
  readonly id: string;
  readonly object: SimObject;
  readonly log: CanonicalEntry[] = [];
  /** Everything that ever was durable. */
  readonly ever = new Set<string>();
  logId = "";
  roster: RosterRow[] = [];
  restores = 0;
  /** The row of cursors as it last was. */
  progress: ProgressRow | null = null;
  readonly #seqs = new Map<string, number>();
  /** Last order of sending that the log has of each device's messages. */
  readonly #orders = new Map<string, number>();

  constructor(object: SimObject) {
    this.object = object;
    this.id = object.id;
  }

  get head(): number {
    return this.log.length;
  }
  /** A commit has removed the device. */
  isOut(key: string): boolean {
    const [userId = "", deviceId] = key.split(".");
    const member = this.roster.find((candidate) => candidate.user_id === userId);
    return member?.devices.find(({ id }) => id === Number(deviceId))?.left_seq !== undefined;
  }
  hasLeft(userId: string): boolean {
    return this.roster.find((member) => member.user_id === userId)?.left_seq !== undefined;
  }
  devicesOf(userId: string): string[] {
    const member = this.roster.find((candidate) => candidate.user_id === userId);
    return (member?.devices ?? []).map(({ id }) => deviceKey({ user_id: userId, device_id: id }));
  }
  seqOf(author: string, messageId: string): number | undefined {
    return this.#seqs.get(`${author}/${messageId}`);
  }

  readIdentity(): void {
    const [row] = this.object.storage.rows("SELECT log_id, roster FROM conversation");
    if (row === undefined) return;
    this.logId = String(row.log_id);
    this.roster = JSON.parse(String(row.roster)) as RosterRow[];
  }

  /** Takes in what became durable; returns what is wrong with it. `orderOf` gives a message's place in its sender's order. */
  readEntries(orderOf: (author: string, messageId: string) => number | null): string | null {
    for (const entry of this.#rowsAfter(this.head)) {
      const wrong = this.#append(entry, orderOf(entry.author, entry.messageId));
      if (wrong !== null) return wrong;
    }
    const count = Number(this.object.storage.rows("SELECT count(*) AS count FROM entries")[0]?.count);
    return count === this.head ? null : `[L2] the log has ${count} entries and once had ${this.head}`;
  }

  /** Every row once more. */
  compareAll(): string | null {
    const rows = this.#rowsAfter(0);
    if (rows.length !== this.head) return `[L2] the log has ${rows.length} entries and once had ${this.head}`;
    for (const [index, row] of rows.entries()) {
      if (JSON.stringify(row) !== JSON.stringify(this.log[index])) return `[L1] entry ${row.seq} has changed`;
    }
    return null;
  }

  cut(): void {
    this.restores += 1;
    this.progress = null;
    this.log.length = 0;
    this.#seqs.clear();
    this.#orders.clear();
    this.readIdentity();
    for (const entry of this.#rowsAfter(0)) this.#append(entry, null);
  }

  #append(entry: CanonicalEntry, order: number | null): string | null {
    const { seq, author, messageId, sentAt } = entry;
    if (seq !== this.head + 1) return `[L1] entry ${seq} follows entry ${this.head}`;
    const first = this.seqOf(author, messageId);
    if (first !== undefined) return `[L3] message ${messageId} of ${author} stands at ${first} and at ${seq}`;
    const before = this.log.at(-1);
    if (before !== undefined && sentAt < before.sentAt)
      return `[L4] sent_at of ${seq} lies before that of ${seq - 1}`;
    const lastOrder = this.#orders.get(author) ?? 0;
    if (order !== null && order < lastOrder) {
      return `[L7] message ${messageId} of ${author} was written as its number ${order}, after number ${lastOrder} had been logged`;
    }
    if (order !== null) this.#orders.set(author, order);
    this.#seqs.set(`${author}/${messageId}`, seq);
    this.ever.add(`${author}/${messageId}`);
    this.log.push(entry);
    return null;
  }

  #rowsAfter(seq: number): CanonicalEntry[] {
    const rows = this.object.storage.rows(
      "SELECT seq, message_id, sender_id, device_id, sent_at, kind, silent FROM entries WHERE seq > ? ORDER BY seq",
      seq,
    );
    return rows.map((row) => ({
      seq: Number(row.seq),
      messageId: String(row.message_id),
      author: deviceKey({ user_id: String(row.sender_id), device_id: Number(row.device_id) }),
      sentAt: Number(row.sent_at),
      kind: String(row.kind),
      isSilent: row.silent === 1 || row.kind !== "message",
    }));
  }
}
