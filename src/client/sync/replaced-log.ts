/**
 * [L5] After a log was replaced, local messages that the new one does not hold stay, behind the last entry both logs
 * share, and a notice says what happened. A place behind `seq` without being in the log is a `sub` above 0.
 */
import type { ConversationRecord, MessageRecord } from "../store/records.ts";
import type { Change, Store } from "../store/store.ts";

interface Kept {
  record: ConversationRecord;
  changes: Change[];
}

/** Another message takes the place `seq`: everything that the old log held from there on was lost. */
export async function keepLostMessages(store: Store, record: ConversationRecord, seq: number): Promise<Kept> {
  return record.resync?.hasNotice === true ? { record, changes: [] } : await moveAside(store, record, seq);
}

/** Once the new log has been read up to where it stood, what is left of the old one beyond it was lost as well. */
export async function finishResync(store: Store, record: ConversationRecord): Promise<Kept> {
  const { resync, cursor } = record;
  if (resync === null || cursor.seq < resync.to) return { record, changes: [] };
  const { record: kept, changes } = await keepLostMessages(store, record, cursor.seq + 1);
  return { record: { ...kept, resync: null }, changes };
}

async function moveAside(store: Store, record: ConversationRecord, fromSeq: number): Promise<Kept> {
  const { conversationId } = record;
  // While a log is read anew nothing is written beyond the cursor, so all that stands there is from before.
  const lost = await store.range("messages", { conversationId, from: fromSeq });
  const entries = await store.range("entries", { conversationId, from: fromSeq });
  const changes: Change[] = [
    ...lost.map(
      (message): Change => ({ table: "messages", remove: [conversationId, message.seq, message.sub] }),
    ),
    ...entries.map((entry): Change => ({ table: "entries", remove: [conversationId, entry.seq] })),
  ];
  const place = fromSeq - 1;
  let sub = (await store.range("messages", { conversationId, from: place, to: place })).at(-1)?.sub ?? 0;
  const put = (message: MessageRecord) => {
    sub += 1;
    changes.push({ table: "messages", put: { ...message, seq: place, sub } });
  };
  for (const { countedSeq: _, ...message } of lost) put(message);
  put(notice(record, place));
  const resync = record.resync === null ? null : { ...record.resync, hasNotice: true };
  return { record: { ...record, resync }, changes };
}

function notice(record: ConversationRecord, place: number): MessageRecord {
  return {
    conversationId: record.conversationId,
    seq: place,
    sub: 0,
    logId: record.logId,
    // Not a message of anybody's: the id only has to differ from all others.
    messageId: `log-replaced-${record.logId}-${place}`,
    senderId: "",
    sentAtMs: record.lastActivityMs,
    body: { type: "notice", notice: { type: "log_replaced" } },
  };
}
