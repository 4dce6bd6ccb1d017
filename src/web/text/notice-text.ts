/** The words for what happened to a conversation. */
import type { ConversationSummary, Message, Notice, Role } from "../../client/contract.ts";
import { listNames } from "./names.ts";
import { formatPhone } from "./phone.ts";

export type ChatKind = ConversationSummary["kind"];

export function noticeText(
  notice: Notice,
  by: Pick<Message, "isOwn" | "senderName">,
  kind: ChatKind,
): string {
  const actor = by.isOwn ? "You" : formatPhone(by.senderName);
  switch (notice.type) {
    case "founded":
      return kind === "group" ? `${actor} created this group.` : "The chat was started.";
    case "device_joined":
      return by.isOwn
        ? "A new device of yours joined the chat."
        : `A new device of ${actor} joined the chat.`;
    case "log_replaced":
      return "The chat was restored on the server. Your messages are kept here.";
    case "founded_again":
      return "The encryption of this chat was set up anew. Earlier messages are kept on your devices.";
    case "renamed":
      return `${actor} changed the name of the group.`;
    case "picture_changed":
      return `${actor} changed the picture of the group.`;
    case "members_added":
      return `${actor} added ${listNames(notice.who.map(asObject))}.`;
    case "members_removed":
      return `${actor} removed ${listNames(notice.who.map(asObject))}.`;
    case "left":
      return `${actor} left the group.`;
    case "role_changed":
      return roleText(actor, listNames(notice.who.map(asObject)), notice.who.length, notice.role);
    case "repaired":
      return "The encryption of this chat was mended. Messages from shortly before may be missing.";
    case "unconfirmed":
      return "This device joined without one of your other devices vouching for the chat. Compare it with another device before you rely on what stands here.";
  }
}

/** The SDK's "You" in the middle of a sentence. */
function asObject(name: string): string {
  return name === "You" ? "you" : name;
}

function roleText(actor: string, who: string, count: number, role: Role): string {
  switch (role) {
    case "owner":
      return `${actor} handed the group over to ${who}.`;
    case "admin":
      return `${actor} made ${who} ${count === 1 ? "an admin" : "admins"}.`;
    case "member":
      return `${actor} dismissed ${who} as ${count === 1 ? "admin" : "admins"}.`;
  }
}
