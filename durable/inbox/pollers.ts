/**
 * Devices that receive by polling, and the watermarks for their next answer [R3]: the newest of each member, in memory
 * only, taken by the poll that is waiting or the next to come. Never queued: a newer mark replaces the older.
 */
import type { z } from "zod";
import type { Watermark } from "../../src/protocol/entry.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { readConfirmedSchema, receiptsSchema } from "../../src/protocol/receive.ts";
import type { ReceiptsCall } from "../rpc.ts";

interface Poller {
  seenAt: number;
  receipts: Map<string, Map<string, Watermark>>;
  confirmed: Map<string, number>;
}
export interface PolledMarks {
  receipts: z.infer<typeof receiptsSchema>[];
  read_confirmed: z.infer<typeof readConfirmedSchema>[];
}

export class Pollers {
  #byDevice = new Map<number, Poller>();

  /** A poll of the device came or went. */
  seen(deviceId: number, now: number): void {
    const poller = this.#byDevice.get(deviceId);
    if (poller !== undefined && this.#isPresent(poller, now)) poller.seenAt = now;
    else this.#byDevice.set(deviceId, { seenAt: now, receipts: new Map(), confirmed: new Map() });
  }
  forget(deviceId: number): void {
    this.#byDevice.delete(deviceId);
  }

  /** Returns the devices that will get it. */
  tell(call: ReceiptsCall, now: number): number[] {
    const told: number[] = [];
    for (const [deviceId, poller] of this.#byDevice) {
      if (!this.#isPresent(poller, now)) {
        this.#byDevice.delete(deviceId);
        continue;
      }
      const marks = poller.receipts.get(call.conversation_id) ?? new Map<string, Watermark>();
      for (const mark of call.receipts) marks.set(mark.user_id, mark);
      put(poller.receipts, call.conversation_id, marks);
      told.push(deviceId);
    }
    return told;
  }

  confirm(deviceId: number, conversationId: string, seq: number): void {
    const poller = this.#byDevice.get(deviceId);
    if (poller !== undefined) put(poller.confirmed, conversationId, seq);
  }

  hasMarks(deviceId: number): boolean {
    const poller = this.#byDevice.get(deviceId);
    return poller !== undefined && poller.receipts.size + poller.confirmed.size > 0;
  }

  take(deviceId: number): PolledMarks {
    const poller = this.#byDevice.get(deviceId);
    const receipts = [...(poller?.receipts ?? [])].map(([conversation_id, marks]) => ({
      type: "receipts" as const,
      conversation_id,
      receipts: [...marks.values()],
    }));
    const read_confirmed = [...(poller?.confirmed ?? [])].map(([conversation_id, seq]) => ({
      type: "read_confirmed" as const,
      conversation_id,
      seq,
    }));
    poller?.receipts.clear();
    poller?.confirmed.clear();
    return { receipts, read_confirmed };
  }

  #isPresent(poller: Poller, now: number): boolean {
    return now - poller.seenAt <= limits.pollPresenceMs;
  }
}

/** Bounded: the conversation that was put longest ago goes. */
function put<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next().value;
  if (map.size > limits.backlogConversationsMax && oldest !== undefined) map.delete(oldest);
}
