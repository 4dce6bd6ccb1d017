/**
 * [R1] [R3] What the user has seen: kept at once, sent once, and repeated (on every new connection, and now and then)
 * until the server confirms that it is durable. Also takes others' receipts.
 */
import type { Watermark } from "../../protocol/entry.ts";
import { limits } from "../../protocol/limits.ts";
import type { Connection } from "../connection/connection.ts";
import type { Timer } from "../environment.ts";
import type { ConversationRecord } from "../store/records.ts";
import { withWatermarks } from "./conversation-state.ts";
import type { Desk } from "./desk.ts";

export class ReadMarks {
  readonly #desk: Desk;
  readonly #connectionFor: (conversationId: string) => Connection | null;
  #timer: Timer | null = null;
  constructor(desk: Desk, connectionFor: (conversationId: string) => Connection | null) {
    this.#desk = desk;
    this.#connectionFor = connectionFor;
  }

  start(): void {
    this.#timer = this.#desk.environment.setTimer(limits.readRepeatMs, () => {
      for (const record of this.unconfirmed()) this.#send(record);
      this.start();
    });
  }
  stop(): void {
    if (this.#timer !== null) this.#desk.environment.clearTimer(this.#timer);
  }

  /** [L8] Own messages, silent ones and commits give no receipt, so seeing only those changes nothing. */
  async markRead(conversationId: string, seq: number): Promise<void> {
    const record = this.#desk.conversation(conversationId);
    if (record === null) return;
    const upTo = Math.min(seq, record.cursor.seq);
    if ((await this.#desk.store.countUnread(conversationId, record.ownRead, upTo, 1)) === 0) return;
    await this.#desk.changeMarks(conversationId, (current) =>
      current.logId === record.logId && upTo > current.ownRead ? { ...current, ownRead: upTo } : null,
    );
    const changed = this.#desk.conversation(conversationId);
    if (changed !== null) this.#send(changed);
  }

  async receipts(conversationId: string, watermarks: readonly Watermark[]): Promise<void> {
    await this.#desk.changeMarks(conversationId, (current) => {
      const changed = withWatermarks(current, watermarks, this.#desk.session.userId);
      return JSON.stringify(changed) === JSON.stringify(current) ? null : changed;
    });
  }

  async confirmed(conversationId: string, seq: number): Promise<void> {
    await this.#desk.changeMarks(conversationId, (current) =>
      seq > current.ownReadConfirmed ? { ...current, ownReadConfirmed: seq } : null,
    );
  }

  unconfirmed(): ConversationRecord[] {
    return this.#desk.conversations().filter((record) => record.ownRead > record.ownReadConfirmed);
  }

  /** A new connection may have followed one on which the mark was lost. */
  repeatOn(connection: Connection, conversationId?: string): void {
    const marks = this.unconfirmed().filter(
      (record) => conversationId === undefined || record.conversationId === conversationId,
    );
    connection.send(marks.map(readFrame));
  }

  #send(record: ConversationRecord): void {
    if (record.ownRead > record.ownReadConfirmed) {
      this.#connectionFor(record.conversationId)?.send([readFrame(record)]);
    }
  }
}

function readFrame(record: ConversationRecord) {
  return { type: "read" as const, conversation_id: record.conversationId, seq: record.ownRead };
}
