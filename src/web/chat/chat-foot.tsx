/** Below the messages: the composer, or in its place why nothing can be sent here and what to do. */
import type { JSX } from "preact";
import type { ConversationSummary } from "../../client/contract.ts";
import { useAppState } from "../state/app-context.ts";
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
      </div>
      <Composer conversationId={conversationId} />
    </>
  );
}

/** [E13] A fork counts for more than membership: it is why what is shown may be wrong. */
export function closedSentence({
  kind,
  isMember,
  security,
}: Pick<ConversationSummary, "kind" | "isMember" | "security">): {
  kind: "fork" | "left";
  sentence: string;
} | null {
  if (security === "fork") {
    const others = kind === "group" ? "the other members" : "the other side";
    return {
      kind: "fork",
      sentence: `Sending has stopped: this device and another one were shown different versions of this chat, so the server may have withheld or changed something. Compare the last messages with ${others} by another way than this app, and go on in a new chat.`,
    };
  }
  if (isMember) return null;
  const sentence =
    kind === "group"
      ? "You are no longer a member of this group. What was written until then stays here."
      : "You are no longer part of this chat. What was written until then stays here.";
  return { kind: "left", sentence };
}
