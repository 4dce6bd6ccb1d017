/** What the user does in the chat list and in a chat. */
import { readPhone } from "../text/phone.ts";
import { type ChatState, closedNewChat, type NewChatState } from "./app-state.ts";
import type { ActionContext } from "./context.ts";
import { storeDraft, withDraft } from "./drafts.ts";
import { errorSentence } from "./error-sentence.ts";

export interface ChatActions {
  openNewChat(): void;
  closeNewChat(): void;
  startChat(phone: string): Promise<void>;

  write(conversationId: string, draft: string): void;
  /** Sends the chat's draft. */
  send(conversationId: string): Promise<void>;
  retry(conversationId: string, messageId: string): Promise<void>;
  discard(conversationId: string, messageId: string): Promise<void>;
  loadOlder(): Promise<void>;
  /** The view measured whether the chat's end is on screen. */
  setAtBottom(isAtBottom: boolean): void;
}

export function createChatActions(context: ActionContext): ChatActions {
  const { kittiwake, store, platform, router, openChat, report } = context;
  const patchNewChat = (change: Partial<NewChatState>): void =>
    store.update((state) => ({ ...state, newChat: { ...state.newChat, ...change } }));

  function write(conversationId: string, draft: string): void {
    store.update((state) => {
      const drafts = withDraft(state.drafts, conversationId, draft);
      return drafts === state.drafts ? state : { ...state, drafts };
    });
    storeDraft(platform.storage, conversationId, draft);
  }

  return {
    openNewChat: () => patchNewChat({ isOpen: true, error: null }),
    closeNewChat: () => patchNewChat(closedNewChat),
    async startChat(typedPhone) {
      const reading = readPhone(typedPhone, platform.country);
      if (!reading.isValid) return patchNewChat({ error: reading.sentence });
      if (reading.phone === store.get().session?.phone) {
        return patchNewChat({ error: "This is your own number. Enter somebody else's." });
      }
      patchNewChat({ isBusy: true, error: null });
      try {
        const conversationId = await kittiwake.startChat(reading.phone);
        patchNewChat(closedNewChat);
        router.go({ screen: "chat", conversationId });
      } catch (error) {
        patchNewChat({ isBusy: false, error: errorSentence(error) });
      }
    },

    write,
    async send(conversationId) {
      const draft = store.get().drafts[conversationId] ?? "";
      const text = draft.trim();
      if (text === "") return;
      // Cleared at once, so that a second Enter cannot send it twice; it comes back if it could not be stored.
      write(conversationId, "");
      try {
        await kittiwake.send(conversationId, text);
      } catch (error) {
        write(conversationId, draft);
        return report(error);
      }
      store.update((state) => ({ ...state, chat: withoutDivider(state.chat, conversationId) }));
      await openChat.refresh();
    },
    retry: (conversationId, messageId) => kittiwake.retry(conversationId, messageId).catch(report),
    discard: (conversationId, messageId) => kittiwake.discard(conversationId, messageId).catch(report),
    loadOlder: () => openChat.loadOlder(),
    setAtBottom: (isAtBottom) => openChat.setAtBottom(isAtBottom),
  };
}

/** Whoever answers has read what stands above. */
function withoutDivider(chat: ChatState | null, conversationId: string): ChatState | null {
  return chat?.conversationId === conversationId ? { ...chat, dividerSeq: null } : chat;
}
