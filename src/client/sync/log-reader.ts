/**
 * Reads a conversation's log into the store: batches that came, pages that are missing [D3], a log that was replaced
 * [L5]. Every method runs in the conversation's turn.
 */
import { type ConversationState, conversationStateSchema } from "../../protocol/entry.ts";
import { type ReceivedPage, receivedPageSchema } from "../connection/frames.ts";
import type { ConversationRecord } from "../store/records.ts";
import { startingAt, withDoubt, withNewLog, withState } from "./conversation-state.ts";
import type { Desk } from "./desk.ts";
import type { Batch, LogWriter } from "./log-writer.ts";

export class LogReader {
  readonly #desk: Desk;
  readonly #writer: LogWriter;
  /** [L5] The server's head lies below this device's cursor: the position should be shown to it. */
  onDoubt: (conversationId: string) => void = () => {};
  /** [L5] [E15] The log was replaced, and read: commits may have been lost with it. */
  onReplaced: (state: ConversationState) => Promise<void> = async () => {};
  constructor(desk: Desk, writer: LogWriter) {
    this.#desk = desk;
    this.#writer = writer;
  }

  /** A batch of entries from whichever path. Afterwards everything in it is held, or the call rejects. */
  async receive(conversationId: string, batch: Batch): Promise<void> {
    const record = this.#known(conversationId);
    if (batch.log_id !== record.logId) await this.refresh(conversationId);
    // Still another one: the batch is from before the log was replaced.
    if (batch.log_id !== this.#known(conversationId).logId) return;
    const { hasGap, hasConflict } = await this.#writer.take(conversationId, batch);
    if (hasConflict) await this.#resync(conversationId);
    else if (hasGap) await this.catchUp(conversationId);
  }

  /** Page by page until the head. */
  async catchUp(conversationId: string): Promise<void> {
    for (;;) {
      const before = this.#known(conversationId);
      const page = await this.#page(conversationId, before.cursor.seq);
      if (page.log_id !== before.logId) {
        await this.refresh(conversationId);
        // Replaced once more meanwhile: what comes next starts over.
        if (page.log_id !== this.#known(conversationId).logId) return;
      }
      if (page.first_seq > this.#known(conversationId).cursor.seq + 1) {
        await this.#desk.commit(startingAt(this.#known(conversationId), page.first_seq), []);
      }
      const { hasConflict } = await this.#writer.take(conversationId, page);
      if (hasConflict) return await this.#resync(conversationId);
      const isStuck = this.#known(conversationId).cursor.seq === before.cursor.seq;
      if (!page.more || isStuck) return;
    }
  }

  /** Asks for the state and takes it over. */
  async refresh(conversationId: string): Promise<ConversationState> {
    const state = await this.fetchState(conversationId);
    const record = this.#known(conversationId);
    const isBehindUs = state.log_id === record.logId && state.head < record.cursor.seq;
    await this.takeState(state);
    if (isBehindUs) this.onDoubt(conversationId);
    return state;
  }

  async fetchState(conversationId: string): Promise<ConversationState> {
    const path = `/conversations/${conversationId}`;
    return await this.#desk.call({ method: "GET", path, answer: conversationStateSchema });
  }

  /** `isReplaced`: the server found that this device's position is not of its log. */
  async takeState(state: ConversationState, isReplaced = false): Promise<void> {
    const record = this.#known(state.conversation_id);
    if (isReplaced || state.log_id !== record.logId) return await this.#replaceLog(record, state);
    const { userId } = this.#desk.session;
    const updated = withState(record, state, userId);
    if (JSON.stringify(updated) !== JSON.stringify(record)) await this.#desk.commit(updated, []);
    await this.#desk.changeMarks(state.conversation_id, (current) => withDoubt(current, state, userId));
  }

  async #replaceLog(record: ConversationRecord, state: ConversationState): Promise<void> {
    const fresh = withNewLog(record, state, this.#desk.session.userId);
    // An empty rest of the log ends the resync at once; planning no entries finds that out.
    await this.#writer.take(record.conversationId, { log_id: state.log_id, entries: [] }, fresh);
    await this.onReplaced(state);
  }

  /** [L5] The log says something else than this device holds: read it once more from the start. */
  async #resync(conversationId: string): Promise<void> {
    await this.takeState(await this.fetchState(conversationId), true);
    for (;;) {
      const before = this.#known(conversationId).cursor.seq;
      const page = await this.#page(conversationId, before);
      if (page.log_id !== this.#known(conversationId).logId) return;
      await this.#writer.take(conversationId, page);
      if (!page.more || this.#known(conversationId).cursor.seq === before) return;
    }
  }

  async #page(conversationId: string, after: number): Promise<ReceivedPage> {
    const path = `/conversations/${conversationId}/entries?after=${after}`;
    return await this.#desk.call({ method: "GET", path, answer: receivedPageSchema });
  }

  #known(conversationId: string): ConversationRecord {
    const record = this.#desk.conversation(conversationId);
    if (record === null) throw new Error("The conversation is not on this device.");
    return record;
  }
}
