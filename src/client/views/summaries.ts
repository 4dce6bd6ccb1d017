/** The chat list as an app shows it, computed from the store: titles, last messages, unread [D6]. Reads only. */
import { limits } from "../../protocol/limits.ts";
import type { ConversationSummary } from "../contract.ts";
import type { ConversationRecord } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import { newestMessage } from "./messages.ts";

export async function summaries(store: Store, ownUserId: string): Promise<ConversationSummary[]> {
  const records = await store.all("conversations");
  const found = await Promise.all(records.map((record) => summaryOf(store, record, ownUserId)));
  return found.sort((one, other) => other.lastActivityMs - one.lastActivityMs);
}

export async function summary(
  store: Store,
  conversationId: string,
  ownUserId: string,
): Promise<ConversationSummary | null> {
  const record = await store.get("conversations", [conversationId]);
  return record === null ? null : await summaryOf(store, record, ownUserId);
}

async function summaryOf(
  store: Store,
  record: ConversationRecord,
  ownUserId: string,
): Promise<ConversationSummary> {
  const { conversationId, kind, peer, ownRead, cursor, lastActivityMs } = record;
  const [lastMessage, unread] = await Promise.all([
    newestMessage(store, record, ownUserId),
    store.countUnread(conversationId, ownRead, cursor.seq, limits.unreadCountMax),
  ]);
  return {
    conversationId,
    kind,
    title: peer.name ?? peer.phone ?? "New chat",
    peerId: peer.userId,
    peerPhone: peer.phone,
    lastMessage,
    unread,
    lastActivityMs: Math.max(lastActivityMs, lastMessage?.sentAtMs ?? 0),
  };
}
