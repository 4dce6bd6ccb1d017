/**
 * Pure rules of the open chat: which messages its window holds, what of them the user has seen, and where the
 * "unread" divider stands. Positions are `seq`; a message without one is one's own and pending.
 */
import type { ConversationSummary, Message } from "../../client/contract.ts";
import type { ChatState } from "./app-state.ts";

export function highestSeq(messages: readonly Message[]): number {
  return messages.reduce((highest, message) => Math.max(highest, message.seq ?? 0), 0);
}

export function lowestSeq(messages: readonly Message[]): number | null {
  return messages.find((message) => message.seq !== null)?.seq ?? null;
}

/** Notices and one's own messages are never unread [D6] [L8]. */
function canBeUnread(message: Message): boolean {
  return !message.isOwn && message.seq !== null && message.body.type !== "notice";
}

export function unseenAfter(messages: readonly Message[], seenSeq: number): Message[] {
  return messages.filter((message) => canBeUnread(message) && (message.seq ?? 0) > seenSeq);
}

/** The position before the oldest of the `unread` newest messages of others; the newest if there are none. */
export function seenSeqFromUnread(messages: readonly Message[], unread: number): number {
  if (unread === 0) return highestSeq(messages);
  const candidates = messages.filter(canBeUnread);
  const first = candidates[Math.max(0, candidates.length - unread)];
  return first?.seq === undefined || first.seq === null ? highestSeq(messages) : first.seq - 1;
}

export function holdsAllUnread(messages: readonly Message[], unread: number): boolean {
  return messages.filter(canBeUnread).length >= unread;
}

export interface WindowRead {
  summary: ConversationSummary;
  messages: Message[];
  hasOlder: boolean;
}

/** The chat after its newest messages were read again. `isWatched`: the page is in front of the user. */
export function applyRead(chat: ChatState, read: WindowRead, isWatched: boolean): ChatState {
  const { messages, hasOlder } = joinOlder(chat, read);
  const isFirst = chat.phase !== "open";
  const seenSeq =
    isFirst || read.summary.unread === 0
      ? Math.max(chat.seenSeq, seenSeqFromUnread(read.messages, read.summary.unread))
      : chat.seenSeq;
  const isSeenAtOnce = !isFirst && isWatched && chat.isAtBottom;
  return {
    ...chat,
    phase: "open",
    summary: read.summary,
    messages,
    hasOlder,
    seenSeq,
    dividerSeq: isSeenAtOnce ? chat.dividerSeq : nextDivider(chat.dividerSeq, messages, seenSeq),
  };
}

/** At the bottom the window shrinks to what was read; further up it keeps the older part that is on screen. */
function joinOlder(chat: ChatState, read: WindowRead): { messages: Message[]; hasOlder: boolean } {
  const start = lowestSeq(read.messages);
  if (chat.isAtBottom || start === null) return read;
  const older = chat.messages.filter((message) => message.seq !== null && message.seq < start);
  if (older.length === 0) return read;
  return { messages: [...older, ...read.messages], hasOlder: chat.hasOlder };
}

/** A divider moves down only after everything below it was seen, so that it never jumps under the reader's eyes. */
function nextDivider(dividerSeq: number | null, messages: Message[], seenSeq: number): number | null {
  const first = unseenAfter(messages, seenSeq)[0]?.seq ?? null;
  if (first === null) return dividerSeq;
  return dividerSeq === null || dividerSeq <= seenSeq ? first : dividerSeq;
}

export function withOlder(chat: ChatState, page: Message[], isLast: boolean): ChatState {
  const start = lowestSeq(chat.messages);
  const older = page.filter((message) => message.seq !== null && (start === null || message.seq < start));
  return {
    ...chat,
    messages: [...older, ...chat.messages],
    hasOlder: !isLast && older.length > 0,
    isLoadingOlder: false,
  };
}

/**
 * Whether the chat's beginning is on screen with the app's word that only those in it can read it. Where the server is
 * suspected of having shown different logs [E13], or this device came in by the server's word alone [E12], the app does
 * not vouch for anything.
 */
export function isVouchedFor({ phase, hasOlder, summary, messages }: ChatState): boolean {
  const isUnconfirmed = messages.some(
    ({ body }) => body.type === "notice" && body.notice.type === "unconfirmed",
  );
  return phase === "open" && !hasOlder && summary !== null && summary.security !== "fork" && !isUnconfirmed;
}
