/** One line for the chat list: who wrote, in a group, and what. */
import type { ConversationSummary, Message } from "../../client/contract.ts";
import { noticeText } from "./notice-text.ts";
import { formatPhone } from "./phone.ts";

export function previewText(message: Message, kind: ConversationSummary["kind"]): string {
  switch (message.body.type) {
    case "text":
      return withSender(message, kind, message.body.text.replaceAll(/\s+/g, " "));
    case "notice":
      return noticeText(message.body.notice, message, kind);
    case "parked":
      return withSender(message, kind, "Message that cannot be shown");
  }
}

/** One's own messages are known by their ticks. */
function withSender(message: Message, kind: ConversationSummary["kind"], text: string): string {
  return kind === "group" && !message.isOwn ? `${formatPhone(message.senderName)}: ${text}` : text;
}
