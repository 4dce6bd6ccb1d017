/**
 * [L5] The Inbox names its store. Another name than the one last seen (its data was restored, or this device is new)
 * means that what it holds for this device proves nothing: the chat list is read, and every chat compared once.
 */
import { chatListSchema } from "../../protocol/http.ts";
import { limits } from "../../protocol/limits.ts";
import { backoffMs } from "../connection/state.ts";
import type { Timer } from "../environment.ts";
import { getValue, putValue } from "../store/store.ts";
import type { Desk } from "./desk.ts";

export class InboxStore {
  readonly #desk: Desk;
  readonly #bringUp: (conversationId: string) => Promise<void>;
  #comparing: string | null = null;
  #timer: Timer | null = null;
  #isStopped = false;
  constructor(desk: Desk, bringUp: (conversationId: string) => Promise<void>) {
    this.#desk = desk;
    this.#bringUp = bringUp;
  }

  async known(): Promise<string | null> {
    return await getValue(this.#desk.store, "inbox_store_id");
  }

  /** The id is kept only after everything was compared, so that a crash between starts it again. */
  seen(storeId: string): void {
    if (this.#comparing === storeId) return;
    this.#comparing = storeId;
    void this.#compare(storeId, 0);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) this.#desk.environment.clearTimer(this.#timer);
  }

  async #compare(storeId: string, tries: number): Promise<void> {
    if (this.#isStopped || this.#comparing !== storeId) return;
    try {
      if ((await this.known()) !== storeId) {
        await this.#compareAll();
        if (this.#isStopped) return;
        await this.#desk.store.apply([putValue("inbox_store_id", storeId)]);
      }
      this.#comparing = null;
    } catch {
      const { environment } = this.#desk;
      const delayMs = backoffMs(tries, environment.random());
      this.#timer = environment.setTimer(delayMs, () => void this.#compare(storeId, tries + 1));
    }
  }

  async #compareAll(): Promise<void> {
    const ids = new Set(this.#desk.conversations().map((record) => record.conversationId));
    for (let before: string | null = ""; before !== null; ) {
      const query = before === "" ? "" : `?before=${encodeURIComponent(before)}`;
      const page: { conversations: { conversation_id: string }[]; next: string | null } =
        await this.#desk.call({
          method: "GET",
          path: `/inbox/conversations${query}`,
          answer: chatListSchema,
        });
      for (const chat of page.conversations) ids.add(chat.conversation_id);
      before = page.next;
    }
    const waiting = [...ids];
    const worker = async () => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await this.#bringUp(id);
    };
    await Promise.all(Array.from({ length: limits.chatsReadAtOnceMax }, worker));
  }
}
