/**
 * [L3] Whether a message that is to be written stands in this device's log already. Only a tab that asks its leader once
 * more can bring that about: the leader before may have sent it, and its outbox has let go of it since.
 */
import { messageIdTime } from "../../protocol/ids.ts";
import { limits } from "../../protocol/limits.ts";
import type { Store } from "../store/store.ts";

const pageRecords = 200;

/** Looks back until what is older than the id can be: no server takes an id that is dated further ahead of its clock. */
export async function isInLog(store: Store, conversationId: string, messageId: string): Promise<boolean> {
  const oldestMs = messageIdTime(messageId) - limits.messageIdAheadMsMax;
  let to = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const page = await store.range("messages", { conversationId, to, newestFirst: true, limit: pageRecords });
    if (page.some((message) => message.messageId === messageId)) return true;
    const last = page.at(-1);
    if (last === undefined || last.sentAtMs < oldestMs || last.seq === 0) return false;
    to = last.seq - 1;
  }
}
