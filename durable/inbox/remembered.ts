/**
 * What this Inbox remembers without storing it [D5] [R3]: entries handed to a live socket and not acknowledged, and how
 * far each device has acknowledged. Memory only: once it is gone, the Conversation's alarm answers for the same entries.
 */
import { limits } from "../../src/protocol/limits.ts";
import type { DeliverCall, DeliveredEntry } from "../rpc.ts";

interface Handed {
  call: Pick<DeliverCall, "conversation_id" | "log_id" | "mac" | "to">;
  entries: DeliveredEntry[];
}

interface Chat {
  logId: string | null;
  seen: number;
  /** By device. */
  acked: Map<number, number>;
}

const chatsRememberedMax = 2_000;

export class Remembered {
  /** By device, then conversation; a list per delivery, oldest first. */
  #handed = new Map<number, Map<string, Handed[]>>();
  #window = new Map<number, { entries: number; bytes: number }>();
  /** What is known of a conversation; the one that was heard of longest ago is forgotten first. */
  #chats = new Map<string, Chat>();

  /** [F4] Whether the call's predecessor came; notes this one. */
  sees(call: DeliverCall): boolean {
    const chat = this.#follow(call.conversation_id, call.log_id);
    if (call.after !== null && chat.seen < call.after) return false;
    chat.seen = Math.max(chat.seen, call.to);
    return true;
  }
  /** Highest seq that a delivery named: no device can have more. */
  seen(conversationId: string): number {
    return this.#chats.get(conversationId)?.seen ?? 0;
  }
  /** The log of the last delivery, or null. */
  logId(conversationId: string): string | null {
    return this.#chats.get(conversationId)?.logId ?? null;
  }

  acked(deviceId: number, conversationId: string): number {
    return this.#chats.get(conversationId)?.acked.get(deviceId) ?? 0;
  }

  /** Lets go of what the ack covers. */
  ack(deviceId: number, conversationId: string, seq: number): void {
    const chat = this.#follow(conversationId, this.logId(conversationId));
    chat.acked.set(deviceId, Math.max(seq, chat.acked.get(deviceId) ?? 0));
    const chats = this.#handed.get(deviceId);
    const list = chats?.get(conversationId);
    if (chats === undefined || list === undefined) return;
    const kept: Handed[] = [];
    for (const handed of list) {
      const rest = handed.entries.filter((entry) => entry.seq > seq);
      this.#resize(deviceId, rest, handed.entries);
      if (rest.length > 0) kept.push({ ...handed, entries: rest });
    }
    if (kept.length > 0) chats.set(conversationId, kept);
    else chats.delete(conversationId);
  }

  /** The Conversation says otherwise: a claim was refused, or its log was replaced. */
  forgetAck(deviceId: number, conversationId: string): void {
    this.#chats.get(conversationId)?.acked.delete(deviceId);
  }

  /** [D7] [F9] Whether these entries still fit into the device's window. */
  fits(deviceId: number, entries: readonly DeliveredEntry[]): boolean {
    const window = this.#window.get(deviceId) ?? { entries: 0, bytes: 0 };
    return (
      window.entries + entries.length <= limits.windowEntriesMax &&
      window.bytes + bytesOf(entries) <= limits.windowBytesMax
    );
  }

  hand(deviceId: number, call: DeliverCall, entries: DeliveredEntry[]): void {
    const chats = this.#handed.get(deviceId) ?? new Map<string, Handed[]>();
    this.#handed.set(deviceId, chats);
    const list = chats.get(call.conversation_id) ?? [];
    const { conversation_id, log_id, mac, to } = call;
    list.push({ call: { conversation_id, log_id, mac, to }, entries });
    chats.set(call.conversation_id, list);
    this.#resize(deviceId, entries, []);
  }

  /** [D5] Everything handed and not acknowledged, taken out: it is to be stored for a newer connection. */
  recall(deviceId: number): Handed[] {
    const lists = [...(this.#handed.get(deviceId)?.values() ?? [])];
    this.forgetHanded(deviceId);
    return lists.flat();
  }

  forgetHanded(deviceId: number): void {
    this.#handed.delete(deviceId);
    this.#window.delete(deviceId);
  }

  /** [L5] What was seen, acknowledged or handed of another log says nothing about this one. */
  #follow(conversationId: string, logId: string | null): Chat {
    const known = this.#chats.get(conversationId);
    const isSame = known !== undefined && known.logId === logId;
    if (known !== undefined && known.logId !== null && !isSame) this.#forgetChat(conversationId);
    const chat = isSame ? known : { logId, seen: 0, acked: new Map<number, number>() };
    this.#chats.delete(conversationId);
    this.#chats.set(conversationId, chat);
    const oldest = this.#chats.keys().next().value;
    if (this.#chats.size > chatsRememberedMax && oldest !== undefined) this.#chats.delete(oldest);
    return chat;
  }

  #forgetChat(conversationId: string): void {
    for (const [deviceId, chats] of this.#handed) {
      for (const { entries } of chats.get(conversationId) ?? []) this.#resize(deviceId, [], entries);
      chats.delete(conversationId);
    }
  }

  #resize(deviceId: number, added: readonly DeliveredEntry[], removed: readonly DeliveredEntry[]): void {
    const window = this.#window.get(deviceId) ?? { entries: 0, bytes: 0 };
    this.#window.set(deviceId, {
      entries: window.entries + added.length - removed.length,
      bytes: window.bytes + bytesOf(added) - bytesOf(removed),
    });
  }
}

function bytesOf(entries: readonly DeliveredEntry[]): number {
  return entries.reduce((sum, entry) => sum + entry.json.length, 0);
}
