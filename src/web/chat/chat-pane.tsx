/** A chat: its head, the messages, the composer. */
import type { JSX } from "preact";
import { Avatar } from "../shell/avatar.tsx";
import { BackIcon } from "../shell/icons.tsx";
import { Link } from "../shell/link.tsx";
import { useAppState } from "../state/app-context.ts";
import { formatPhone } from "../text/phone.ts";
import { Composer } from "./composer.tsx";
import { MessageList } from "./message-list.tsx";

export function ChatPane({ conversationId }: { conversationId: string }): JSX.Element {
  const phase = useAppState((state) => state.chat?.phase ?? "opening");
  return (
    <main class="pane chat-pane" data-testid="chat" data-conversation={conversationId}>
      <ChatHead />
      {phase === "missing" ? (
        <div class="empty">
          <h2>This chat is not on this device</h2>
          <p>It may still be on its way. Otherwise choose another one from the list.</p>
        </div>
      ) : (
        <>
          <MessageList key={conversationId} />
          <Composer key={`composer-${conversationId}`} conversationId={conversationId} />
        </>
      )}
    </main>
  );
}

function ChatHead(): JSX.Element {
  const summary = useAppState((state) => state.chat?.summary ?? null);
  const title = formatPhone(summary?.title ?? "");
  const phone = formatPhone(summary?.peerPhone ?? "");
  const line = phone === title || phone === "" ? "Not encrypted yet" : `${phone} · not encrypted yet`;
  return (
    <header class="pane-head chat-head">
      <Link
        to={{ screen: "chats" }}
        class="icon-button back"
        aria-label="Back to the chats"
        data-testid="back"
      >
        <BackIcon />
      </Link>
      {summary !== null && <Avatar title={title} id={summary.peerId ?? summary.conversationId} />}
      <div class="chat-head-text">
        <h1 data-testid="chat-title">{title}</h1>
        {summary !== null && <p>{line}</p>}
      </div>
    </header>
  );
}
