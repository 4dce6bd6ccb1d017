/** Why nothing can be sent in a chat, and what to do. */
import type { ConversationSummary } from "../../client/contract.ts";

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
      sentence: `Sending has stopped: this device and another one were shown different versions of this chat, so the server may have withheld or changed something. Compare the last messages with ${others} by another way than this app, such as a call. Until that is cleared up, go on there or in a new group.`,
    };
  }
  if (isMember) return null;
  const sentence =
    kind === "group"
      ? "You are no longer a member of this group. What was written until then stays here."
      : "You are no longer part of this chat. What was written until then stays here.";
  return { kind: "left", sentence };
}
