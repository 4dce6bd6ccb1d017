/**
 * The chat on screen: opens and closes it at the SDK, keeps its window of messages, and says what the user has read.
 * Read means: the page is in front of the user and the chat's end is on screen.
 */
import type { Kittiwake, Message } from "../../client/contract.ts";
import type { AppState, ChatState } from "./app-state.ts";
import {
  applyRead,
  highestSeq,
  holdsAllUnread,
  lowestSeq,
  unseenAfter,
  type WindowRead,
  withOlder,
} from "./chat-window.ts";
import type { Platform } from "./platform.ts";
import { createRefresher } from "./refresher.ts";
import type { Store } from "./store.ts";

const pageMessages = 60;
/** Bounds how far back a chat is read to reach its oldest unread message. */
const pagesAtOnceMax = 8;

export interface OpenChat {
  /** Shows this chat and leaves the one before; null shows none. */
  show(conversationId: string | null): void;
  refresh(): Promise<void>;
  loadOlder(): Promise<void>;
  noteSeen(): void;
  setAtBottom(isAtBottom: boolean): void;
}

export interface OpenChatContext {
  kittiwake: Kittiwake;
  store: Store<AppState>;
  platform: Platform;
  report: (error: unknown) => void;
}

export function createOpenChat({ kittiwake, store, platform, report }: OpenChatContext): OpenChat {
  let close: (() => void) | null = null;
  const refresher = createRefresher(readAgain, report);

  function patch(conversationId: string, change: (chat: ChatState) => ChatState): void {
    store.update((state) => {
      // What comes back from a read may belong to a chat that has been left meanwhile.
      if (state.chat?.conversationId !== conversationId) return state;
      const chat = change(state.chat);
      return chat === state.chat ? state : { ...state, chat };
    });
  }

  async function readAgain(): Promise<void> {
    const { chat } = store.get();
    if (chat === null) return;
    const read = await readWindow(kittiwake, chat);
    if (read === null) {
      patch(chat.conversationId, (current) => ({ ...current, phase: "missing" }));
      return;
    }
    patch(chat.conversationId, (current) => applyRead(current, read, platform.isForeground()));
    noteSeen();
  }

  function noteSeen(): void {
    const { chat } = store.get();
    if (chat?.phase !== "open" || !chat.isAtBottom || !platform.isForeground()) return;
    const highest = highestSeq(chat.messages);
    if (highest <= chat.seenSeq) return;
    const hasUnseen = unseenAfter(chat.messages, chat.seenSeq).length > 0;
    patch(chat.conversationId, (current) => ({ ...current, seenSeq: highest }));
    if (hasUnseen) kittiwake.markRead(chat.conversationId, highest).catch(report);
  }

  return {
    show(conversationId) {
      if ((store.get().chat?.conversationId ?? null) === conversationId) return;
      close?.();
      close = null;
      store.update((state) => ({
        ...state,
        chat: conversationId === null ? null : openingChat(conversationId),
      }));
      if (conversationId === null) return;
      close = kittiwake.openChat(conversationId);
      void refresher.refresh();
    },
    refresh: () => refresher.refresh(),
    async loadOlder() {
      const { chat } = store.get();
      if (chat?.phase !== "open" || !chat.hasOlder || chat.isLoadingOlder) return;
      const { conversationId } = chat;
      patch(conversationId, (current) => ({ ...current, isLoadingOlder: true }));
      try {
        const page = await kittiwake.messages(conversationId, {
          beforeSeq: lowestSeq(chat.messages),
          limit: pageMessages,
        });
        patch(conversationId, (current) => withOlder(current, page, page.length < pageMessages));
      } catch (error) {
        patch(conversationId, (current) => ({ ...current, isLoadingOlder: false }));
        report(error);
      }
    },
    noteSeen,
    setAtBottom(isAtBottom) {
      const { chat } = store.get();
      if (chat === null) return;
      patch(chat.conversationId, (current) =>
        current.isAtBottom === isAtBottom ? current : { ...current, isAtBottom },
      );
      noteSeen();
    },
  };
}

function openingChat(conversationId: string): ChatState {
  return {
    conversationId,
    phase: "opening",
    summary: null,
    messages: [],
    hasOlder: false,
    isLoadingOlder: false,
    isAtBottom: false,
    seenSeq: 0,
    dividerSeq: null,
  };
}

/** Reads back from the newest: to the oldest unread when opening, to the oldest on screen later; null: no such chat. */
async function readWindow(kittiwake: Kittiwake, chat: ChatState): Promise<WindowRead | null> {
  const before = await kittiwake.conversation(chat.conversationId);
  if (before === null) return null;
  const keepFrom = chat.phase === "open" && !chat.isAtBottom ? lowestSeq(chat.messages) : null;
  const isEnough = (messages: Message[]): boolean =>
    holdsAllUnread(messages, chat.phase === "open" ? 0 : before.unread) &&
    (keepFrom === null || (lowestSeq(messages) ?? 0) <= keepFrom);

  let messages: Message[] = [];
  let hasOlder = true;
  for (let page = 0; page < pagesAtOnceMax && hasOlder && (page === 0 || !isEnough(messages)); page++) {
    const older = await kittiwake.messages(chat.conversationId, {
      beforeSeq: lowestSeq(messages),
      limit: pageMessages,
    });
    messages = [...older, ...messages];
    hasOlder = older.length >= pageMessages && lowestSeq(older) !== null;
  }
  // Pages do not end where the screen does; without this the window would grow with every read.
  const kept = messages.filter(({ seq }) => keepFrom === null || seq === null || seq >= keepFrom);
  // Read again after the messages: what came between the two must not be taken for read.
  const summary = await kittiwake.conversation(chat.conversationId);
  if (summary === null) return null;
  return { summary, messages: kept, hasOlder: hasOlder || kept.length < messages.length };
}
