/** One line of the chat list: who, the last message with its ticks, when, how many unread. */
import type { JSX } from "preact";
import type { ConversationSummary } from "../../client/contract.ts";
import { Avatar } from "../shell/avatar.tsx";
import { Link } from "../shell/link.tsx";
import { Ticks } from "../shell/ticks.tsx";
import { useAppState } from "../state/app-context.ts";
import { previewText } from "../text/message-text.ts";
import { formatPhone } from "../text/phone.ts";
import { tickOf } from "../text/ticks.ts";
import { listTime } from "../text/times.ts";

export interface ChatItemProps {
  conversation: ConversationSummary;
  isOpen: boolean;
  isTabStop: boolean;
  nowMs: number;
}

export function ChatItem({ conversation, isOpen, isTabStop, nowMs }: ChatItemProps): JSX.Element {
  const { conversationId, unread, lastActivityMs } = conversation;
  const title = formatPhone(conversation.title);
  return (
    <li>
      <Link
        to={{ screen: "chat", conversationId }}
        class="chat-item"
        aria-current={isOpen ? "page" : undefined}
        tabIndex={isTabStop ? 0 : -1}
        data-testid="chat-item"
        data-conversation={conversationId}
      >
        <Avatar title={title} id={conversation.peerId ?? conversationId} picture={conversation.picture} />
        <span class="chat-item-title">{title}</span>
        <time class="chat-item-time" dateTime={new Date(lastActivityMs).toISOString()}>
          {listTime(lastActivityMs, nowMs)}
        </time>
        <LastLine conversation={conversation} isOpen={isOpen} />
        {unread > 0 && (
          <span class="unread" data-testid="unread" role="img" aria-label={`${unread} unread`}>
            {unread > 999 ? "999+" : unread}
          </span>
        )}
      </Link>
    </li>
  );
}

function LastLine({
  conversation,
  isOpen,
}: {
  conversation: ConversationSummary;
  isOpen: boolean;
}): JSX.Element {
  const draft = useAppState((state) => state.drafts[conversation.conversationId] ?? "");
  const { lastMessage } = conversation;
  if (draft.trim() !== "" && !isOpen) {
    return (
      <span class="chat-item-line">
        <span class="chat-item-draft">Draft:</span> <span class="chat-item-text">{draft}</span>
      </span>
    );
  }
  const tick = lastMessage === null ? null : tickOf(lastMessage);
  return (
    <span class="chat-item-line">
      {tick !== null && <Ticks tick={tick} />}
      {conversation.isRequest && <span class="chat-item-request">Request:</span>}
      <span class="chat-item-text">
        {lastMessage === null ? "No messages yet" : previewText(lastMessage, conversation.kind)}
      </span>
    </span>
  );
}
