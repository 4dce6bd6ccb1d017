/**
 * One's own message is in the log: its entry is stored under its `seq`, the outbox lets go of it in the same
 * transaction. The cursor rises only if nothing is missing below; else the gap is left to come, and fetched if it
 * does not.
 */
import type { Entry } from "../../protocol/entry.ts";
import type { Accepted } from "../../protocol/send.ts";
import type { ConversationRecord, OutboxRecord } from "../store/records.ts";
import type { Change } from "../store/store.ts";
import { withProof } from "./conversation-state.ts";
import type { Desk } from "./desk.ts";
import type { LogReader, OutboxLink } from "./log-reader.ts";
import { planEntries } from "./plan-entries.ts";
import { showEntry } from "./show-entry.ts";

export interface AcceptanceOptions {
  desk: Desk;
  reader: LogReader;
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
    const { desk, outbox, reader, onGap } = this.#options;
    const { conversationId, messageId } = item;
    const entry = entryOf(item, accepted, desk.session);
    const plan = await planEntries(desk.store, record, [entry], desk.session);
    if (plan.hasConflict) {
      const { log_id, mac } = accepted;
      const batch = { log_id, entries: [entry], ...(mac === undefined ? {} : { mac }) };
      return await reader.receive(conversationId, batch);
    }
    // Nothing is held ahead while a log is read anew (replaced-log.ts): the message is found in the log instead.
    if (plan.hasGap && record.resync !== null) return await reader.catchUp(conversationId);
    const held = plan.hasGap ? await holdAhead(plan.record, entry, desk.session) : plan;
    const { log_id, seq, mac } = accepted;
    const proven =
      mac === undefined ? held.record : withProof(held.record, { log_id, seq, message_id: messageId, mac });
    await desk.commit(proven, held.changes, outbox.settled(conversationId, [messageId]));
    if (plan.hasGap) onGap(conversationId);
  }
}

async function holdAhead(
  record: ConversationRecord,
  entry: Entry,
  self: { userId: string; deviceId: number },
): Promise<{ record: ConversationRecord; changes: Change[] }> {
  const { conversationId, logId } = record;
  const shown = await showEntry(entry, logId, conversationId, self);
  const changes: Change[] = [
    {
      table: "entries",
      put: { conversationId, seq: entry.seq, logId, messageId: entry.message_id, raw: entry },
    },
  ];
  if (shown.message !== null) changes.push({ table: "messages", put: shown.message });
  return { record: { ...shown.change(record), heldTo: Math.max(record.heldTo, entry.seq) }, changes };
}

function entryOf(item: OutboxRecord, accepted: Accepted, self: { userId: string; deviceId: number }): Entry {
  return {
    kind: "message",
    seq: accepted.seq,
    message_id: accepted.message_id,
    sender: { user_id: self.userId, device_id: self.deviceId },
    sent_at: accepted.sent_at,
    epoch: item.epoch,
    silent: item.silent,
    envelope: item.envelope,
  };
}
