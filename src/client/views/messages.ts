/**
 * Messages as an app shows them: what the log holds, in its order, then what waits in the outbox. Status is derived
 * from the members' watermarks each time [R1] [R2] and stored nowhere. Reads only.
 */
import { errorMessage } from "../../protocol/errors.ts";
import { limits } from "../../protocol/limits.ts";
import type { Message, MessageStatus } from "../contract.ts";
import type { ConversationRecord, MessageRecord, OutboxRecord } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import { Names } from "./names.ts";

export interface MessagesQuery {
  conversationId: string;
  /** Null: the newest, with what waits. */
  beforeSeq: number | null;
  limit: number;
}

/** Oldest first. */
export async function messages(store: Store, query: MessagesQuery, ownUserId: string): Promise<Message[]> {
  const { conversationId, beforeSeq } = query;
  const limit = Math.min(query.limit, limits.localPageMessagesMax);
  const names = await Names.of(store, ownUserId);
  // The outbox first: a message that moves into the log between the two reads is then seen twice, never not at all.
  const waiting = beforeSeq === null ? (await store.range("outbox", { conversationId })).filter(isShown) : [];
  const record = await store.get("conversations", [conversationId]);
  if (record === null) return [];
  const to = beforeSeq === null ? {} : { to: beforeSeq - 1 };
  const newest = await store.range("messages", { conversationId, ...to, newestFirst: true, limit });
  const held = (await wholePlaces(store, newest, limit)).reverse();
  const shown = held.map((message) => fromLog(message, record, names));
  const known = new Set(held.map((message) => message.messageId));
  const pending = waiting.filter((item) => !known.has(item.messageId));
  return [...shown, ...pending.map((item) => fromOutbox(item, names))];
}

export async function newestMessage(
  store: Store,
  record: ConversationRecord,
  names: Names,
): Promise<Message | null> {
  const { conversationId } = record;
  const waiting = (await store.range("outbox", { conversationId, newestFirst: true })).find(isShown);
  if (waiting !== undefined) return fromOutbox(waiting, names);
  const [held] = await store.range("messages", { conversationId, newestFirst: true, limit: 1 });
  return held === undefined ? null : fromLog(held, record, names);
}

/** [L5] Several messages can stand at one `seq`, and a page is asked for by `seq`: it is never cut between them. */
async function wholePlaces(store: Store, newest: MessageRecord[], limit: number): Promise<MessageRecord[]> {
  const oldest = newest.at(-1);
  if (oldest === undefined || newest.length < limit || oldest.sub === 0) return newest;
  const { conversationId, seq, sub } = oldest;
  const place = await store.range("messages", { conversationId, from: seq, to: seq, newestFirst: true });
  return [...newest, ...place.filter((message) => message.sub < sub)];
}

function isShown(item: OutboxRecord): boolean {
  return item.content.type === "text";
}

function fromLog(message: MessageRecord, record: ConversationRecord, names: Names): Message {
  const ownUserId = names.own.userId;
  const isOwn = message.senderId === ownUserId;
  const hasTicks = isOwn && message.body.type !== "notice";
  return {
    conversationId: message.conversationId,
    messageId: message.messageId,
    seq: message.seq,
    isOwn,
    senderId: message.senderId,
    senderName: names.of(message.senderId),
    sentAtMs: message.sentAtMs,
    body: shownBody(message.body, names),
    status: hasTicks ? ticksOf(message, record, ownUserId) : null,
    failure: null,
  };
}

function shownBody(body: Message["body"], names: Names): Message["body"] {
  return body.type === "notice" ? { ...body, notice: names.notice(body.notice) } : body;
}

/** [R2] The least that any other member has reached. */
function ticksOf(message: MessageRecord, record: ConversationRecord, ownUserId: string): MessageStatus {
  const others = record.members.filter((member) => member.userId !== ownUserId);
  // Of another log, or beside it: its seq means nothing to the watermarks [L5].
  if (others.length === 0 || message.sub > 0 || message.logId !== record.logId) return "sent";
  if (others.every((member) => member.read >= message.seq)) return "read";
  return others.every((member) => member.delivered >= message.seq) ? "delivered" : "sent";
}

function fromOutbox(item: OutboxRecord, { own }: Names): Message {
  return {
    conversationId: item.conversationId,
    messageId: item.messageId,
    seq: null,
    isOwn: true,
    senderId: own.userId,
    senderName: own.name,
    sentAtMs: item.createdAtMs,
    body: { type: "text", text: item.content.type === "text" ? item.content.text : "" },
    status: item.state,
    failure: item.failure === null ? null : errorMessage(item.failure),
  };
}
