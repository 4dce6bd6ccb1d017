/** The chat list as an app shows it, computed from the store: titles, last messages, unread [D6]. Reads only. */
import { limits } from "../../protocol/limits.ts";
import type { ConversationSummary } from "../contract.ts";
import type { ConversationRecord } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import { groupPicture } from "./groups.ts";
import { newestMessage } from "./messages.ts";
import { Names } from "./names.ts";

export async function summaries(store: Store, ownUserId: string): Promise<ConversationSummary[]> {
  const records = await store.all("conversations");
  const names = await Names.of(store, ownUserId);
  const found = await Promise.all(records.map((record) => summaryOf(store, record, names)));
  return found.sort((one, other) => other.lastActivityMs - one.lastActivityMs);
}

export async function summary(
  store: Store,
  conversationId: string,
  ownUserId: string,
): Promise<ConversationSummary | null> {
  const record = await store.get("conversations", [conversationId]);
  return record === null ? null : await summaryOf(store, record, await Names.of(store, ownUserId));
}

async function summaryOf(
  store: Store,
  record: ConversationRecord,
  names: Names,
): Promise<ConversationSummary> {
  const { conversationId, kind, peerId, ownRead, cursor, lastActivityMs, isMember, security } = record;
  const [lastMessage, unread] = await Promise.all([
    newestMessage(store, record, names),
    store.countUnread(conversationId, ownRead, cursor.seq, limits.unreadCountMax),
  ]);
  return {
    conversationId,
    kind,
    title: kind === "group" ? (record.name ?? "Group") : titleOf(peerId, names),
    picture: peerId === null ? await groupPicture(store, conversationId) : names.picture(peerId),
    isMember,
    security,
    isRequest: record.isRequest === true,
    peerId,
    peerPhone: peerId === null ? null : names.phone(peerId),
    lastMessage,
    unread,
    lastActivityMs: Math.max(lastActivityMs, lastMessage?.sentAtMs ?? 0),
  };
}

function titleOf(peerId: string | null, names: Names): string {
  return peerId !== null && names.isNamed(peerId) ? names.of(peerId) : "New chat";
}
