/**
 * One's own message is in the log: its entry is stored under its `seq`, the outbox lets go of it in the same
 * transaction. The cursor rises only if nothing is missing below; else the gap is left to come, and fetched if it
 * does not.
 */
import type { Entry } from "../../protocol/entry.ts";
import type { Accepted } from "../../protocol/send.ts";
import { introductionIn } from "../content.ts";
import type { ConversationRecord, OutboxRecord } from "../store/records.ts";
import type { Change } from "../store/store.ts";
import { withProof } from "./conversation-state.ts";
import type { Desk } from "./desk.ts";
import type { LogReader } from "./log-reader.ts";
import type { LogWriter, OutboxLink } from "./log-writer.ts";
import { messageOf } from "./plan-entries.ts";

export interface AcceptanceOptions {
  desk: Desk;
  reader: LogReader;
  writer: LogWriter;
  outbox: OutboxLink & { find(conversationId: string, messageId: string): OutboxRecord | null };
  /** Something below an accepted message has not come yet. */
  onGap(conversationId: string): void;
}

export class Acceptance {
  readonly #options: AcceptanceOptions;
  constructor(options: AcceptanceOptions) {
    this.#options = options;
  }

  async take(accepted: Accepted): Promise<void> {
    const { desk, reader } = this.#options;
    const { conversation_id: conversationId } = accepted;
    await desk.inTurn(conversationId, async () => {
      if (desk.conversation(conversationId)?.logId !== accepted.log_id) await reader.refresh(conversationId);
      const record = desk.conversation(conversationId);
      const item = this.#options.outbox.find(conversationId, accepted.message_id);
      // Found in the log before this answer came, or an answer from a log that is gone.
      if (record === null || item === null || record.logId !== accepted.log_id) return;
      await this.#store(record, item, accepted);
    });
  }

  async #store(record: ConversationRecord, item: OutboxRecord, accepted: Accepted): Promise<void> {
    const { desk, reader, writer } = this.#options;
    const { conversationId } = item;
    const entry = entryOf(item, accepted, desk.session);
    // Encrypted again since: what was accepted is what the log shows.
    if (entry === null) return await reader.catchUp(conversationId);
    const { log_id, mac } = accepted;
    const batch = { log_id, entries: [entry], ...(mac === undefined ? {} : { mac }) };
    const plan = await writer.take(conversationId, batch);
    if (plan.hasConflict) return await reader.receive(conversationId, batch);
    if (!plan.hasGap) return;
    // Nothing is held ahead while a log is read anew (replaced-log.ts): the message is found in the log instead.
    if (record.resync !== null) return await reader.catchUp(conversationId);
    await this.#holdAhead(item, entry, accepted);
  }

  async #holdAhead(item: OutboxRecord, entry: Entry, accepted: Accepted): Promise<void> {
    const { desk, outbox, onGap } = this.#options;
    const { conversationId, content, messageId } = item;
    const record = desk.conversation(conversationId);
    if (record === null) return;
    const { logId } = record;
    const raw = { conversationId, seq: entry.seq, logId, messageId, raw: entry, hash: null, before: null };
    const changes: Change[] = [{ table: "entries", put: raw }];
    if (content.type === "text") {
      const body = { type: "text", text: content.text } as const;
      changes.push({ table: "messages", put: messageOf(entry, body, record, desk.session) });
    }
    const isProfileDue = introductionIn(content) === null && record.isProfileDue;
    const held = { ...record, isProfileDue, heldTo: Math.max(record.heldTo, entry.seq) };
    const { log_id, seq, mac } = accepted;
    const proven = mac === undefined ? held : withProof(held, { log_id, seq, message_id: messageId, mac });
    await desk.commit(proven, changes, outbox.settled(conversationId, [messageId]));
    onGap(conversationId);
  }
}

function entryOf(
  item: OutboxRecord,
  accepted: Accepted,
  self: { userId: string; deviceId: number },
): Entry | null {
  if (item.sealed === null) return null;
  return {
    kind: "message",
    seq: accepted.seq,
    message_id: accepted.message_id,
    sender: { user_id: self.userId, device_id: self.deviceId },
    sent_at: accepted.sent_at,
    epoch: item.sealed.epoch,
    silent: item.silent,
    envelope: item.sealed.envelope,
  };
}
