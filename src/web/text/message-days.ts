/** Groups a chat's messages by calendar day, and says where a run of one sender's messages begins. */
import type { Message } from "../../client/contract.ts";
import { dayKey, dayLabel, type TimeFormat } from "./times.ts";

export interface DayItem {
  message: Message;
  /** The first of a run by one sender: it gets more room above. */
  startsRun: boolean;
}

export interface MessageDay {
  key: string;
  label: string;
  items: DayItem[];
}

/** Keeps the given order: it is the log's [L4], even where a pending message's local clock says otherwise. */
export function groupByDay(
  messages: readonly Message[],
  nowMs: number,
  format: TimeFormat = {},
): MessageDay[] {
  const days: MessageDay[] = [];
  let previous: Message | null = null;
  for (const message of messages) {
    const key = dayKey(message.sentAtMs, format);
    let day = days.at(-1);
    if (day?.key !== key) {
      day = { key, label: dayLabel(message.sentAtMs, nowMs, format), items: [] };
      days.push(day);
      previous = null;
    }
    day.items.push({ message, startsRun: previous === null || !isSameRun(previous, message) });
    previous = message;
  }
  return days;
}

function isSameRun(one: Message, next: Message): boolean {
  const isNotice = one.body.type === "notice" || next.body.type === "notice";
  return !isNotice && one.senderId === next.senderId && one.isOwn === next.isOwn;
}
