/** Which mark a message's status gets, and what a screen reader says for it. */
import type { Message, MessageStatus } from "../../client/contract.ts";

export interface Tick {
  icon: "clock" | "one" | "two" | "alert";
  label: "Pending" | "Sent" | "Delivered" | "Read" | "Not sent";
}

const ticks: Record<MessageStatus, Tick> = {
  pending: { icon: "clock", label: "Pending" },
  sent: { icon: "one", label: "Sent" },
  delivered: { icon: "two", label: "Delivered" },
  read: { icon: "two", label: "Read" },
  failed: { icon: "alert", label: "Not sent" },
};

/** Null for others' messages and for notices, which reach nobody. */
export function tickOf(message: Pick<Message, "isOwn" | "status" | "body">): Tick | null {
  if (!message.isOwn || message.status === null || message.body.type === "notice") return null;
  return ticks[message.status];
}
