/** The chats, newest first. One of them is in the tab order; the arrow keys move among them. */
import type { JSX, TargetedKeyboardEvent } from "preact";
import { useNow } from "../shell/use-now.ts";
import { useAppState } from "../state/app-context.ts";
import { ChatItem } from "./chat-item.tsx";
import { EmptyChats } from "./empty-chats.tsx";

export function ChatList(): JSX.Element | null {
  const conversations = useAppState((state) => state.conversations);
  const openId = useAppState((state) => state.chat?.conversationId ?? null);
  const nowMs = useNow(60_000);
  if (conversations === null) return null;
  if (conversations.length === 0) return <EmptyChats />;

  const isOpenListed = conversations.some((conversation) => conversation.conversationId === openId);
  const tabStop = isOpenListed ? openId : conversations[0]?.conversationId;
  return (
    <nav class="chat-list" aria-label="Chats" onKeyDown={moveByKey}>
      <ul data-testid="chat-list">
        {conversations.map((conversation) => (
          <ChatItem
            key={conversation.conversationId}
            conversation={conversation}
            isOpen={conversation.conversationId === openId}
            isTabStop={conversation.conversationId === tabStop}
            nowMs={nowMs}
          />
        ))}
      </ul>
    </nav>
  );
}

function moveByKey(event: TargetedKeyboardEvent<HTMLElement>): void {
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("a")];
  const focused = links.findIndex((link) => link.matches(":focus"));
  const targets: Record<string, number> = {
    ArrowDown: focused + 1,
    ArrowUp: focused - 1,
    Home: 0,
    End: links.length - 1,
  };
  const target = targets[event.key];
  if (target === undefined) return;
  event.preventDefault();
  links[Math.min(Math.max(target, 0), links.length - 1)]?.focus();
}
