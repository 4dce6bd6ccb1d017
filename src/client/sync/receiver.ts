/**
 * Entries from whichever path → the store → the acknowledgement. [D1] An ack goes out only after the transaction that
 * holds the entries, on the path that brought them; what is held already is acknowledged again.
 */

import { limits } from "../../protocol/limits.ts";
import type { ReceivedEntries } from "../connection/frames.ts";
import type { Timer } from "../environment.ts";
import type { Adopter } from "./adopter.ts";
import { Behind } from "./behind.ts";
import type { Desk } from "./desk.ts";
import type { LogReader } from "./log-reader.ts";

export type Acknowledge = (conversationId: string, seq: number) => void;

export class Receiver {
  readonly #desk: Desk;
  readonly #reader: LogReader;
  readonly #adopter: Adopter;
  readonly #behind: Behind;
  /** Last seq of what came and could not be taken yet. */
  readonly #offered = new Map<string, number>();
  readonly #gapTimers = new Map<string, Timer>();

  /** `acknowledge`: over whatever path there is, for what was fetched without one. */
  constructor(desk: Desk, reader: LogReader, adopter: Adopter, acknowledge: Acknowledge) {
    this.#desk = desk;
    this.#reader = reader;
    this.#adopter = adopter;
    this.#behind = new Behind(desk.environment, async (conversationId) => {
      await this.bringUp(conversationId);
      // Of a conversation that turns out not to be for this device, what was offered is let go of.
      const seq = desk.conversation(conversationId)?.cursor.seq ?? this.#offered.get(conversationId) ?? 0;
      this.#offered.delete(conversationId);
      if (seq > 0) acknowledge(conversationId, seq);
    });
  }

  /** Resolves when it has been dealt with; false when that has to be tried again later, and nothing was acknowledged. */
  async entries(frame: ReceivedEntries, acknowledge: Acknowledge): Promise<boolean> {
    const { conversation_id: conversationId } = frame;
    try {
      const seq = await this.#desk.inTurn(conversationId, () => this.#take(frame));
      if (seq > 0) acknowledge(conversationId, seq);
      return true;
    } catch {
      this.#offered.set(conversationId, frame.entries.at(-1)?.seq ?? 0);
      this.#behind.add(conversationId);
      return false;
    }
  }

  /** [F9] The Inbox holds only part of what is missing: the rest is read from the log. Resolves as `entries` does. */
  async marked(conversationIds: readonly string[], acknowledge: Acknowledge): Promise<boolean> {
    const waiting = [...conversationIds];
    let areAllRead = true;
    const worker = async () => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
        const seq = await this.#readUp(id);
        // At least the first: of a conversation that this device is not in (any more), that has the mark taken off.
        if (seq !== null) acknowledge(id, Math.max(1, seq));
        else areAllRead = false;
      }
    };
    await Promise.all(Array.from({ length: limits.chatsReadAtOnceMax }, worker));
    return areAllRead;
  }

  /** Gives the cursor, or null when it has to be tried again later. */
  async #readUp(conversationId: string): Promise<number | null> {
    try {
      await this.bringUp(conversationId);
      return this.#desk.conversation(conversationId)?.cursor.seq ?? 0;
    } catch {
      this.#behind.add(conversationId);
      return null;
    }
  }

  /** Gives the seq to acknowledge. */
  async #take(frame: ReceivedEntries): Promise<number> {
    const { conversation_id: conversationId } = frame;
    const isKnown = this.#desk.conversation(conversationId) !== null;
    // Not for this device any more: acknowledged, so that it does not come again and again.
    if (!isKnown && !(await this.#adopter.adopt(conversationId))) return frame.entries.at(-1)?.seq ?? 0;
    await this.#reader.receive(conversationId, frame);
    const record = this.#desk.conversation(conversationId);
    const seq = record?.cursor.seq ?? 0;
    // Of a log that is no more: acknowledged whole, so that the Inbox lets go of it.
    return record?.logId === frame.log_id ? seq : Math.max(seq, frame.entries.at(-1)?.seq ?? 0);
  }

  /** Compares with the server and fetches what is missing; a conversation that is not here yet is taken in. */
  async bringUp(conversationId: string): Promise<void> {
    await this.#desk.inTurn(conversationId, async () => {
      await this.#adopter.adopt(conversationId);
    });
  }

  /** An own message stands beyond the cursor. What lies below is on its way as a rule; if it does not come, fetch it. */
  expect(conversationId: string): void {
    if (this.#gapTimers.has(conversationId)) return;
    const timer = this.#desk.environment.setTimer(limits.gapPatienceMs, () => {
      this.#gapTimers.delete(conversationId);
      const record = this.#desk.conversation(conversationId);
      if (record === null || record.heldTo <= record.cursor.seq) return;
      this.#desk
        .inTurn(conversationId, () => this.#reader.catchUp(conversationId))
        .catch(() => this.#behind.add(conversationId));
    });
    this.#gapTimers.set(conversationId, timer);
  }

  retryLater(conversationId: string): void {
    this.#behind.add(conversationId);
  }
  wake(): void {
    this.#behind.wake();
  }
  stop(): void {
    this.#behind.stop();
    for (const timer of this.#gapTimers.values()) this.#desk.environment.clearTimer(timer);
    this.#gapTimers.clear();
  }
}
