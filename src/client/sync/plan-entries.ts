/**
 * [D3] What a batch of entries does to a conversation: expected next → taken; held already → ignored if the id is the
 * same; later → the gap must be fetched first. Plans only: the caller commits `changes` and `record` in one transaction.
 */
import type { ReceivedEntry } from "../connection/frames.ts";
import type { ConversationRecord } from "../store/records.ts";
import type { Change, Store } from "../store/store.ts";
import { finishResync, keepLostMessages } from "./replaced-log.ts";
import { type Self, showEntry } from "./show-entry.ts";

export interface EntriesPlan {
  record: ConversationRecord;
  changes: Change[];
  /** Ids of this device's own messages found in the log: their outbox entries are settled. */
  ownIds: string[];
  /** Entries after the cursor are known to exist: fetch them. */
  hasGap: boolean;
  /** [L5] Another message stands where this device holds one. */
  hasConflict: boolean;
}

export async function planEntries(
  store: Store,
  start: ConversationRecord,
  entries: readonly ReceivedEntry[],
  self: Self,
): Promise<EntriesPlan> {
  const plan: EntriesPlan = { record: start, changes: [], ownIds: [], hasGap: false, hasConflict: false };
  for (const entry of entries) {
    plan.record = { ...plan.record, head: Math.max(plan.record.head, entry.seq) };
    if (plan.hasGap || plan.hasConflict) continue;
    plan.record = await passHeld(store, plan.record, entry.seq - 1);
    const next = plan.record.cursor.seq + 1;
    if (entry.seq > next) plan.hasGap = true;
    else if (entry.seq < next) plan.hasConflict = await differs(store, plan, entry);
    else await take(store, plan, entry, self);
  }
  plan.record = await passHeld(store, plan.record, Number.MAX_SAFE_INTEGER);
  const finished = await finishResync(store, plan.record);
  return { ...plan, record: finished.record, changes: [...plan.changes, ...finished.changes] };
}

/** Own messages that were stored before what lies below them came: the cursor passes over them. */
async function passHeld(store: Store, record: ConversationRecord, upTo: number): Promise<ConversationRecord> {
  let { cursor } = record;
  while (cursor.seq < Math.min(upTo, record.heldTo)) {
    const held = await store.get("entries", [record.conversationId, cursor.seq + 1]);
    if (held === null || held.logId !== record.logId) break;
    cursor = { seq: held.seq, messageId: held.messageId };
  }
  return cursor === record.cursor ? record : { ...record, cursor };
}

async function differs(store: Store, plan: EntriesPlan, entry: ReceivedEntry): Promise<boolean> {
  const isTakenHere = plan.changes.some(
    (change) =>
      change.table === "entries" &&
      "put" in change &&
      change.put.seq === entry.seq &&
      change.put.messageId === entry.message_id,
  );
  if (isTakenHere) return false;
  const known = await store.get("entries", [plan.record.conversationId, entry.seq]);
  return known !== null && known.logId === plan.record.logId && known.messageId !== entry.message_id;
}

async function take(store: Store, plan: EntriesPlan, entry: ReceivedEntry, self: Self): Promise<void> {
  const { conversationId, logId, heldTo, resync } = plan.record;
  const mayBeHeld = resync !== null || entry.seq <= heldTo;
  const held = mayBeHeld ? await store.get("entries", [conversationId, entry.seq]) : null;
  const isSame = held?.messageId === entry.message_id;
  if (held !== null && !isSame) {
    plan.hasConflict = resync === null;
    if (plan.hasConflict) return;
    const kept = await keepLostMessages(store, plan.record, entry.seq);
    plan.record = kept.record;
    plan.changes.push(...kept.changes);
  }
  if (entry.sender.user_id === self.userId && entry.sender.device_id === self.deviceId) {
    plan.ownIds.push(entry.message_id);
  }
  const shown = await showEntry(entry, logId, conversationId, self);
  // What is held already stays as it was read then: an envelope opens once.
  const known = isSame ? await store.get("messages", [conversationId, entry.seq, 0]) : null;
  const message = known === null ? shown.message : { ...known, logId };
  const raw = { conversationId, seq: entry.seq, logId, messageId: entry.message_id, raw: entry };
  plan.changes.push({ table: "entries", put: raw });
  if (message !== null) plan.changes.push({ table: "messages", put: message });
  const cursor = { seq: entry.seq, messageId: entry.message_id };
  plan.record = { ...shown.change(plan.record), cursor };
}
