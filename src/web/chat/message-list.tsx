/** The messages of the open chat by day, with the unread divider and the way down to new ones. */
import { Fragment, type JSX } from "preact";
import { useMemo } from "preact/hooks";
import { DownIcon, LockIcon } from "../shell/icons.tsx";
import { useNow } from "../shell/use-now.ts";
import { useAppState } from "../state/app-context.ts";
import type { ChatState } from "../state/app-state.ts";
import { isVouchedFor, unseenAfter } from "../state/chat-window.ts";
import { groupByDay } from "../text/message-days.ts";
import { MessageItem } from "./message-item.tsx";
import { useChatScroll } from "./use-chat-scroll.ts";

export function MessageList(): JSX.Element {
  const chat = useAppState((state) => state.chat);
  const messages = chat?.messages ?? [];
  const dividerSeq = chat?.dividerSeq ?? null;
  const kind = chat?.summary?.kind ?? "direct";
  const nowMs = useNow(60_000);
  const days = useMemo(() => groupByDay(messages, nowMs), [messages, nowMs]);
  const scroll = useChatScroll();

  return (
    <div class="messages-place">
      <div
        class="messages"
        ref={scroll.container}
        onScroll={scroll.onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
        tabIndex={0}
        role="log"
        aria-label="Messages"
        aria-live="polite"
        aria-busy={chat?.phase === "opening"}
        data-testid="messages"
      >
        <div class="messages-inner" ref={scroll.content}>
          {chat !== null && isVouchedFor(chat) && <LockLine />}
          {days.map((day) => (
            <Fragment key={day.key}>
              <h2 class="day">{day.label}</h2>
              {day.items.map(({ message, startsRun }) => (
                <Fragment key={message.messageId}>
                  {message.seq !== null && message.seq === dividerSeq && <Divider />}
                  <MessageItem message={message} startsRun={startsRun} kind={kind} />
                </Fragment>
              ))}
            </Fragment>
          ))}
        </div>
      </div>
      {chat?.phase === "open" && !chat.isAtBottom && (
        <ToBottom count={newCount(chat)} onClick={scroll.toBottom} />
      )}
    </div>
  );
}

/** The window may begin after the oldest unread message; then the summary knows the number. */
function newCount(chat: ChatState): number {
  const unseen = unseenAfter(chat.messages, chat.seenSeq).length;
  return unseen === 0 ? 0 : Math.max(unseen, chat.summary?.unread ?? 0);
}

function LockLine(): JSX.Element {
  return (
    <p class="messages-start" data-testid="lock-line">
      <LockIcon />
      Messages are end-to-end encrypted: the server stores and passes on what it cannot read.
    </p>
  );
}

function Divider(): JSX.Element {
  return (
    <p class="unread-divider" data-testid="unread-divider">
      <span>Unread messages</span>
    </p>
  );
}

function ToBottom({ count, onClick }: { count: number; onClick: () => void }): JSX.Element {
  const label =
    count === 0 ? "To the newest message" : `${count} new ${count === 1 ? "message" : "messages"}`;
  return (
    <button type="button" class="to-bottom" aria-label={label} onClick={onClick} data-testid="to-bottom">
      {count > 0 && <span>{label}</span>}
      <DownIcon />
    </button>
  );
}
