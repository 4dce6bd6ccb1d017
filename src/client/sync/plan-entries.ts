/**
 * [D3] What a batch of entries does to a conversation: expected next → taken; held already → ignored if the id is the
 * same; later → the gap must be fetched first. Plans only: the caller commits all of it in one transaction [E8].
 */

import { chainAfter } from "../chain.ts";
import type { ReceivedEntry } from "../connection/frames.ts";
import type { ConversationRecord, EntryRecord, MessageRecord } from "../store/records.ts";
import type { Change, Store } from "../store/store.ts";
import type { EntryReader } from "./entry-reader.ts";
import { type FollowUp, isSelf, type Need, type ReadEntry, type Reading, type Self } from "./reading.ts";
import { finishResync, keepLostMessages } from "./replaced-log.ts";

export interface EntriesPlan {
  reading: Reading;
  changes: Change[];
  /** Ids of this device's own messages found in the log: their outbox entries are settled. */
  ownIds: string[];
  followUps: FollowUp[];
  /** Entries after the cursor are known to exist: fetch them. */
  hasGap: boolean;
  /** [L5] Another message stands where this device holds one. */
  hasConflict: boolean;
  /** The next entry waits for this. */
  need: Need | null;
}

export interface PlanMeans {
  store: Store;
  reader: EntryReader;
  self: Self;
}

export async function planEntries(
  means: PlanMeans,
  start: Reading,
  entries: readonly ReceivedEntry[],
): Promise<EntriesPlan> {
  const plan: EntriesPlan = {
    reading: start,
    changes: [],
    ownIds: [],
    followUps: [],
    hasGap: false,
    hasConflict: false,
    need: null,
  };
  for (const entry of entries) {
    plan.reading = withRecord(plan.reading, {
      ...plan.reading.record,
      head: Math.max(plan.reading.record.head, entry.seq),
    });
    if (plan.hasGap || plan.hasConflict || plan.need !== null) continue;
    await passHeld(means, plan, entry.seq - 1);
    const next = plan.reading.record.cursor.seq + 1;
    if (entry.seq > next) plan.hasGap = true;
    else if (entry.seq < next) plan.hasConflict = await differs(means.store, plan, entry);
    else await take(means, plan, entry);
  }
  await passHeld(means, plan, Number.MAX_SAFE_INTEGER);
  const finished = await finishResync(means.store, plan.reading.record);
  plan.changes.push(...finished.changes);
  plan.reading = withRecord(plan.reading, finished.record);
  return plan;
}

/** Own messages that were stored before what lies below them came: the cursor passes over them. */
async function passHeld({ store }: PlanMeans, plan: EntriesPlan, upTo: number): Promise<void> {
  let { record } = plan.reading;
  while (record.cursor.seq < Math.min(upTo, record.heldTo)) {
    const held = await store.get("entries", [record.conversationId, record.cursor.seq + 1]);
    if (held === null || held.logId !== record.logId) break;
    const chain = chainAfter(record.chain, held.raw as ReceivedEntry, record.conversationId);
    const put = { ...held, hash: chain?.hash ?? null, before: record.chain?.hash ?? null };
    plan.changes.push({ table: "entries", put });
    record = { ...record, chain, cursor: { seq: held.seq, messageId: held.messageId } };
  }
  if (record !== plan.reading.record) plan.reading = withRecord(plan.reading, record);
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
  const { record } = plan.reading;
  const known = await store.get("entries", [record.conversationId, entry.seq]);
  return known !== null && known.logId === record.logId && known.messageId !== entry.message_id;
}

async function take(
  { store, reader, self }: PlanMeans,
  plan: EntriesPlan,
  entry: ReceivedEntry,
): Promise<void> {
  const { conversationId, heldTo, resync } = plan.reading.record;
  const mayBeHeld = resync !== null || entry.seq <= heldTo;
  const held = mayBeHeld ? await store.get("entries", [conversationId, entry.seq]) : null;
  const isSame = held?.messageId === entry.message_id;
  if (held !== null && !isSame) {
    plan.hasConflict = resync === null;
    if (plan.hasConflict) return;
    const kept = await keepLostMessages(store, plan.reading.record, entry.seq);
    plan.reading = withRecord(plan.reading, kept.record);
    plan.changes.push(...kept.changes);
  }
  const read = await reader.read(plan.reading, entry, isSame ? held : null);
  if ("type" in read) {
    plan.need = read;
    return;
  }
  if (isSelf(entry.sender, self)) plan.ownIds.push(entry.message_id);
  await keep(store, plan, entry, read, isSame ? held : null, self);
}

async function keep(
  store: Store,
  plan: EntriesPlan,
  entry: ReceivedEntry,
  read: ReadEntry,
  held: EntryRecord | null,
  self: Self,
): Promise<void> {
  const { record } = read.reading;
  // What is held already stays as it was read then.
  const known = held === null ? null : await store.get("messages", [record.conversationId, entry.seq, 0]);
  const message =
    known !== null
      ? { ...known, logId: record.logId }
      : read.body === null
        ? null
        : { ...messageOf(entry, read.body, record, self), ...(read.k === undefined ? {} : { k: read.k }) };
  plan.changes.push(...read.changes);
  if (message !== null) plan.changes.push({ table: "messages", put: message });
  plan.followUps.push(...read.followUps);
  const cursor = { seq: entry.seq, messageId: entry.message_id };
  plan.reading = withRecord(read.reading, { ...record, cursor });
}

export function messageOf(
  entry: ReceivedEntry,
  body: MessageRecord["body"],
  { conversationId, logId }: ConversationRecord,
  self: Self,
): MessageRecord {
  const isCounted = entry.kind === "message" && !entry.silent && entry.sender.user_id !== self.userId;
  return {
    conversationId,
    seq: entry.seq,
    sub: 0,
    logId,
    messageId: entry.message_id,
    senderId: entry.sender.user_id,
    sentAtMs: entry.sent_at,
    body,
    ...(isCounted ? { countedSeq: entry.seq } : {}),
  };
}

function withRecord(reading: Reading, record: ConversationRecord): Reading {
  return { ...reading, record };
}
