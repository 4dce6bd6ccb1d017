/** What travels: nothing that is not durable is shown or acknowledged [L2] [L3], no device claims what it does not hold [D1]. */

import { limits } from "../../src/protocol/limits.ts";
import type { Device } from "../actors/device.ts";
import type { History } from "./history.ts";
import { readProgress } from "./progress-row.ts";
import type { Truth } from "./truth.ts";

interface AnyEntry {
  seq: number;
  message_id: string;
  sent_at: number;
}
interface AnyFrame {
  type: string;
  conversation_id?: string;
  log_id?: string;
  message_id?: string;
  code?: string;
  seq?: number;
  base_seq?: number;
  sent_at?: number;
  entries?: AnyEntry[];
  receipts?: { user_id: string; delivered: number; read: number }[];
}

export class Frames {
  readonly #historyOf: (id: string) => History | undefined;
  readonly #truth: Truth;
  constructor(historyOf: (id: string) => History | undefined, truth: Truth) {
    this.#historyOf = historyOf;
    this.#truth = truth;
  }

  down(key: string | null, text: string): string | null {
    if (text.length > limits.frameBytesMax + 64)
      return `[F9] a frame array of ${text.length} bytes goes to ${key}`;
    if (!text.startsWith("[")) return null;
    for (const frame of JSON.parse(text) as AnyFrame[]) {
      const wrong = this.#judgeDown(key, frame);
      if (wrong !== null) return wrong;
    }
    return null;
  }

  up(device: Device, text: string): string | null {
    if (!text.startsWith("[")) return null;
    for (const frame of JSON.parse(text) as AnyFrame[]) {
      const wrong = this.#judgeUp(device, frame);
      if (wrong !== null) return wrong;
    }
    return null;
  }

  httpDown(key: string | null, path: string, body: unknown): string | null {
    // It was logged out while it waited: nobody takes the answer.
    if (key === null) return null;
    const id = /^\/v1\/conversations\/([\w-]{43})/.exec(path)?.[1];
    if (path === "/v1/inbox/poll") {
      for (const frame of (body as { frames: AnyFrame[] }).frames) {
        const wrong = this.#judgeDown(key, frame);
        if (wrong !== null) return wrong;
      }
    }
    if (id === undefined) return null;
    const frame = body as AnyFrame;
    if (path.endsWith("/entries"))
      return this.#judgeDown(key, { ...frame, type: "entries", conversation_id: id });
    if (path.endsWith("/messages"))
      return this.#judgeDown(key, { ...frame, type: "accepted", conversation_id: id });
    return null;
  }
  httpUp(device: Device, path: string, body: unknown): string | null {
    if (path !== "/v1/inbox/poll") return null;
    const { reports } = body as { reports: { conversation_id: string; acked?: number; read?: number }[] };
    for (const { conversation_id, acked, read } of reports) {
      const wrong =
        this.#judgeUp(device, { type: "ack", conversation_id, seq: acked ?? 0 }) ??
        this.#judgeUp(device, { type: "read", conversation_id, seq: read ?? 0 });
      if (wrong !== null) return wrong;
    }
    return null;
  }

  #judgeDown(key: string | null, frame: AnyFrame): string | null {
    const history = this.#historyOf(frame.conversation_id ?? "");
    if (frame.conversation_id === undefined || history === undefined) return null;
    switch (frame.type) {
      case "accepted":
        return judgeAccepted(key, frame, history);
      case "refused":
        return judgeRefused(key, frame, history);
      case "entries":
        return this.#judgeEntries(frame, history);
      case "receipts":
        return this.#judgeReceipts(frame, history);
      case "read_confirmed": {
        const userId = key?.split(".")[0];
        const member = readProgress(history).members.find((candidate) => candidate.userId === userId);
        const isTrue = member === undefined || history.restores > 0 || member.read >= (frame.seq ?? 0);
        return isTrue
          ? null
          : `[R3] read up to ${frame.seq} is confirmed to ${key}; durable is ${member.read}`;
      }
      default:
        return null;
    }
  }

  #judgeEntries(frame: AnyFrame, history: History): string | null {
    if (frame.log_id !== history.logId)
      return history.restores > 0 ? null : `[L5] entries name log ${frame.log_id}`;
    let last: number | null = null;
    for (const { seq, message_id: messageId, sent_at: sentAt } of frame.entries ?? []) {
      const entry = history.log[seq - 1];
      if (entry?.messageId !== messageId || entry.sentAt !== sentAt) {
        if (history.restores > 0) return null;
        return `[L2] ${messageId} is shown at ${seq}, where the log has ${entry?.messageId ?? "nothing"}`;
      }
      if (last !== null && seq <= last) return `[D2] entry ${seq} is sent after ${last}, in one frame`;
      last = seq;
    }
    return null;
  }

  #judgeReceipts(frame: AnyFrame, history: History): string | null {
    if (history.restores > 0) return null;
    for (const { user_id: userId, delivered, read } of frame.receipts ?? []) {
      if (read > delivered) return `[R1] a receipt has ${userId} read ${read} and delivered ${delivered}`;
      const most = this.#truth.deliveredTo(userId, history);
      if (delivered > most)
        return `[R1] a receipt has ${userId} delivered ${delivered}; its devices hold ${most}`;
    }
    return null;
  }

  #judgeUp(device: Device, frame: AnyFrame): string | null {
    const { conversation_id: id = "", seq = 0 } = frame;
    const record = device.data.get("conversations", [id]);
    // Of a chat it has nothing of, a device may say that it wants no more. Known gap: what is on its way while a log is
    // replaced names seqs of the old one, for acks carry no log id.
    if (record === null || this.#truth.isRestored(id)) return null;
    const { cursor, heldTo } = record;
    if (frame.type === "ack" && seq > cursor.seq)
      return `[D1] ${device.name} acknowledges ${seq} and holds ${cursor.seq}`;
    if (frame.type === "read" && seq > Math.max(cursor.seq, heldTo) && seq > record.ownRead) {
      return `[R1] ${device.name} claims to have read ${seq} and holds ${cursor.seq}`;
    }
    if (frame.type === "send" && (frame.base_seq ?? 0) > cursor.seq) {
      return `[L3] ${device.name} sends with base ${frame.base_seq} and holds ${cursor.seq}`;
    }
    return null;
  }
}

/** Refused before its id was looked for, or because nothing can be said now. */
const undecided = ["after_refusal", "busy", "internal", "rate_limited", "base_too_old", "bad_frame"];

/** [L3] A resend of what is in the log gets the first ack, whatever has changed since. */
function judgeRefused(key: string | null, frame: AnyFrame, history: History): string | null {
  const { code = "", message_id: messageId = "" } = frame;
  const seq = history.seqOf(key ?? "", messageId);
  if (seq === undefined || undecided.includes(code)) return null;
  return `[L3] ${messageId} of ${key} stands at ${seq} and is refused: ${code}`;
}

/** [L2] [L3] An ack is of an entry that is durable, with its first time, and its author's alone. */
function judgeAccepted(key: string | null, frame: AnyFrame, history: History): string | null {
  const { seq = 0, message_id: messageId = "", sent_at: sentAt } = frame;
  if (frame.log_id !== history.logId)
    return history.restores > 0 ? null : `[L5] an ack names log ${frame.log_id}`;
  const entry = history.log[seq - 1];
  if (entry === undefined || entry.messageId !== messageId) {
    if (history.restores > 0) return null;
    return `[L2] ${messageId} is acknowledged to ${key} at ${seq}, where the log has ${entry?.messageId ?? "nothing"}`;
  }
  if (entry.sentAt !== sentAt) return `[L3] the ack of ${messageId} names another time than the log`;
  return entry.author === key ? null : `[L3] ${key} gets the ack of a message of ${entry.author}`;
}
