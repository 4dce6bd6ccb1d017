/** What a person sees: the log in its order and nothing twice [D3], and as many unread as there are [D6]. */
import type { ConversationSummary, Message } from "../../src/client/contract.ts";
import type { Device } from "../actors/device.ts";
import type { History } from "./history.ts";

export function judgeLook(
  device: Device,
  messages: readonly Message[],
  summary: ConversationSummary,
  history: History,
): string | null {
  const seen = new Set<string>();
  let last = 0;
  for (const { messageId, seq } of messages) {
    // Known gap: a message that the old log lost, and that its sender sent again, is shown aside and in its place.
    if (seen.has(messageId) && history.restores === 0) return `[D3] ${device.name} shows ${messageId} twice`;
    seen.add(messageId);
    if (seq === null) continue;
    if (seq < last) return `[D3] ${device.name} shows ${seq} after ${last}`;
    last = seq;
    const entry = history.log[seq - 1];
    if (history.restores === 0 && entry?.messageId !== messageId) {
      return `[D3] ${device.name} shows ${messageId} at ${seq}, where the log has ${entry?.messageId ?? "nothing"}`;
    }
  }
  return history.restores > 0 ? null : judgeUnread(device, summary, history);
}

/** Computed here from the canonical history, there from the device's own store. */
function judgeUnread(device: Device, summary: ConversationSummary, history: History): string | null {
  const record = device.data.get("conversations", [history.id]);
  if (record === null) return null;
  const unreadUpTo = (cursor: number) => {
    let count = 0;
    for (let seq = record.ownRead + 1; seq <= cursor; seq += 1) {
      // Of a group that one was out of for a while there is what came before, and what came after.
      if (device.data.get("entries", [history.id, seq]) === null) continue;
      const entry = history.log[seq - 1];
      if (entry !== undefined && !entry.isSilent && entry.author.split(".")[0] !== device.session?.userId)
        count += 1;
    }
    return count;
  };
  const isRight = summary.unread === unreadUpTo(record.cursor.seq);
  return isRight
    ? null
    : `[D6] ${device.name} shows ${summary.unread} unread; there are ${unreadUpTo(record.cursor.seq)}`;
}
