/**
 * What this Inbox remembers without storing it [D5] [R3]: entries handed to a live socket and not acknowledged, and how
 * far each device has acknowledged. Memory only: once it is gone, the Conversation's alarm answers for the same entries.
 */
import { limits } from "../../src/protocol/limits.ts";
import type { DeliverCall, DeliveredEntry } from "../rpc.ts";

interface Handed {
  call: Pick<DeliverCall, "conversation_id" | "log_id" | "mac">;
  entries: DeliveredEntry[];
}

const chatsRememberedMax = 2_000;

export class Remembered {
  /** By device, then conversation; a list per delivery, oldest first. */
  #handed = new Map<number, Map<string, Handed[]>>();
  #window = new Map<number, { entries: number; bytes: number }>();
  #acked = new Map<string, number>();
  /** Highest seq that a delivery named, by conversation: no device can have more. */
  #seen = new Map<string, number>();

  /** [F4] Whether the call's predecessor came; notes this one. */
  sees(call: DeliverCall): boolean {
    const seen = this.#seen.get(call.conversation_id) ?? 0;
    if (call.after !== null && seen < call.after) return false;
    remember(this.#seen, call.conversation_id, Math.max(seen, call.to));
    return true;
  }
  seen(conversationId: string): number {
    return this.#seen.get(conversationId) ?? 0;
  }

  acked(deviceId: number, conversationId: string): number {
    return this.#acked.get(`${deviceId}/${conversationId}`) ?? 0;
  }

  /** Lets go of what the ack covers. */
  ack(deviceId: number, conversationId: string, seq: number): void {
    const acked = Math.max(seq, this.acked(deviceId, conversationId));
    remember(this.#acked, `${deviceId}/${conversationId}`, acked);
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
    this.#acked.delete(`${deviceId}/${conversationId}`);
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
    const { conversation_id, log_id, mac } = call;
    list.push({ call: { conversation_id, log_id, mac }, entries });
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

/** A map that forgets what was set longest ago. */
function remember(map: Map<string, number>, key: string, value: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= chatsRememberedMax) return;
  const oldest = map.keys().next().value;
  if (oldest !== undefined) map.delete(oldest);
}
