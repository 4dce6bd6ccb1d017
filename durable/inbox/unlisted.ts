/**
 * Which Conversations a device can make this Inbox call [F9]: those of the chat list, and a bounded number of others,
 * because the list can lag behind a founding or a restore. A made-up id costs its device a token each time; one that its
 * Conversation did not refuse is as good as listed.
 */
import { limits } from "../../src/protocol/limits.ts";
import { RateLimiter } from "../../src/protocol/rate-limiter.ts";
import type { ChatList } from "./chat-list.ts";

export class Unlisted {
  #chatList: ChatList;
  #rate = new RateLimiter(limits.unlistedChatsBurst, limits.unlistedChatsPerSecond);
  #admitted = new Set<string>();

  constructor(chatList: ChatList) {
    this.#chatList = chatList;
  }

  /** Returns 0 when the Conversation may be called, or how long to wait in milliseconds. */
  take(deviceId: number, conversationId: string, now: number): number {
    if (this.#admitted.has(conversationId) || this.#chatList.has(conversationId)) return 0;
    const waitMs = this.#rate.take(String(deviceId), now);
    if (waitMs > 0) return waitMs;
    const oldest = this.#admitted.values().next().value;
    if (this.#admitted.size >= limits.unlistedChatsKeptMax && oldest !== undefined)
      this.#admitted.delete(oldest);
    this.#admitted.add(conversationId);
    return 0;
  }

  /** The Conversation says that there is nothing for this user. */
  refused(conversationId: string): void {
    this.#admitted.delete(conversationId);
  }
}
