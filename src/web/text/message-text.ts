/** The words for what a message holds, in a bubble or as one line of the chat list. */
import type { Message } from "../../client/contract.ts";

const notices = {
  founded: "The chat was started.",
  device_joined: "A new device joined the chat.",
  log_replaced: "The chat was restored on the server. Your messages are kept here.",
} as const;

export function noticeText(notice: keyof typeof notices): string {
  return notices[notice];
}

export const parkedText = "This message cannot be shown yet. It is kept, and shown once the app can read it.";

/** One line for the chat list. */
export function previewText(message: Message): string {
  switch (message.body.type) {
    case "text":
      return message.body.text.replaceAll(/\s+/g, " ");
    case "notice":
      return noticeText(message.body.notice);
    case "parked":
      return "Message that cannot be shown yet";
  }
}
