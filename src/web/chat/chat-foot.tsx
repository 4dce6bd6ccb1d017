/** Below the messages: the composer, or in its place why nothing can be sent here and what to do. */
import type { JSX } from "preact";
import { useAppState } from "../state/app-context.ts";
import { closedSentence } from "../text/closed-text.ts";
import { Composer } from "./composer.tsx";

export function ChatFoot({ conversationId }: { conversationId: string }): JSX.Element {
  const summary = useAppState((state) => state.chat?.summary ?? null);
  const closed = summary === null ? null : closedSentence(summary);
  if (closed !== null) {
    return (
      <p class={`chat-closed chat-closed-${closed.kind}`} role="status" data-testid="chat-closed">
        {closed.sentence}
      </p>
    );
  }
  return (
    <>
      {/* The live region is always there: one that comes with its text is often not read out. */}
      <div class="chat-repairing-place" role="status">
        {summary?.security === "repairing" && (
          <p class="chat-repairing" data-testid="repairing">
            Mending this chat’s encryption … What you write is sent as soon as that is done.
          </p>
        )}
        {summary?.isRequest === true && (
          <p class="chat-request" data-testid="request">
            Nobody you have a chat with: whoever has your number can write to you. Check who it is. If you
            answer, they become one of your chats; until then, you are not told of what they write.
          </p>
        )}
      </div>
      <Composer conversationId={conversationId} />
    </>
  );
}
