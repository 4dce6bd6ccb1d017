/** The run's own account of what was ordered and what senders were told. It is never killed. */
import type { FromClient } from "./client/messages.ts";
import type { Order, Told } from "./judge/evidence.ts";

/** One sender in one conversation. */
export interface Lane {
  sender: string;
  senderId: string;
  conversationId: string;
  /** Ordered, and neither told as sent nor gone. */
  waiting: Set<string>;
}

export class Ledger {
  readonly orders: Order[] = [];
  readonly told: Told[] = [];
  /** Messages that a client's SDK gave up, with its reason. */
  readonly failures: string[] = [];
  readonly #orderByText = new Map<string, Order>();
  readonly #laneByText = new Map<string, Lane>();
  readonly #toldOnce = new Set<string>();
  #acked = 0;
  #fresh = 0;

  /** Messages told as sent, each counted once. */
  get acked(): number {
    return this.#acked;
  }

  /** Of these, the ones that were acknowledged under the eyes of a running client. */
  get freshlyAcked(): number {
    return this.#fresh;
  }

  /** Taken by their senders' apps and not known to be in the log. */
  get inFlight(): number {
    let count = 0;
    for (const [text, lane] of this.#laneByText)
      if (lane.waiting.has(text) && this.#orderByText.get(text)?.messageId !== null) count += 1;
    return count;
  }

  order(lane: Lane, text: string): void {
    const { conversationId, senderId } = lane;
    const order: Order = { text, conversationId, senderId, messageId: null };
    this.orders.push(order);
    this.#orderByText.set(text, order);
    this.#laneByText.set(text, lane);
    lane.waiting.add(text);
  }

  heard(message: FromClient): void {
    switch (message.type) {
      case "written":
        return this.#written(message.text, message.messageId);
      case "acked":
        if (!message.isFound) this.#fresh += 1;
        return this.#told({ text: message.text, messageId: message.messageId, seq: message.seq });
      case "failed":
        this.failures.push(message.failure ?? "for no reason");
        return this.#end(message.text);
      case "absent":
        // If its app had taken it, the judge misses it in the log.
        return this.#end(message.text);
    }
  }

  #written(text: string, messageId: string): void {
    const order = this.#orderByText.get(text);
    if (order !== undefined) order.messageId = messageId;
  }

  /** The same twice is one; told otherwise the second time, both stand here for the judge. */
  #told(told: Told): void {
    this.#end(told.text);
    const key = JSON.stringify(told);
    if (this.#toldOnce.has(key)) return;
    if (!this.#toldOnce.has(told.text)) this.#acked += 1;
    this.#toldOnce.add(key).add(told.text);
    this.told.push(told);
  }

  #end(text: string): void {
    this.#laneByText.get(text)?.waiting.delete(text);
    this.#laneByText.delete(text);
  }
}
