/** A chat: its head, the messages, the composer or why there is none. */
import type { JSX } from "preact";
import { useAppState } from "../state/app-context.ts";
import { ChatFoot } from "./chat-foot.tsx";
import { ChatHead } from "./chat-head.tsx";
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
          <ChatFoot key={`foot-${conversationId}`} conversationId={conversationId} />
        </>
      )}
    </main>
  );
}
