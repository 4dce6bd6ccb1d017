/**
 * What devices really hold. Fed by their stores' commits, keyed by `user.device`; the measure for acknowledgements,
 * cursors and watermarks [D1] [F4] [R1].
 */

import type { ConversationRecord, OutboxRecord } from "../../src/client/store/records.ts";
import type { Change } from "../../src/client/store/store.ts";
import type { Device } from "../actors/device.ts";
import { deliveredTo } from "./delivered.ts";
import type { History } from "./history.ts";

interface Held {
  record: ConversationRecord;
  logId: string;
  cursor: number;
  firstSeq: number;
  read: number;
}
interface Written {
  order: number;
  position: number;
  isFailed: boolean;
}

export class Truth {
  /** By `device/conversation`. */
  readonly #held = new Map<string, Held>();
  readonly #read = new Map<string, number>();
  readonly #delivered = new Map<string, number>();
  readonly #written = new Map<string, Map<string, Written>>();
  readonly #restored = new Set<string>();
  /** Read marks that went with a device's power, by `user/conversation`: nobody is left to say them again. */
  readonly #forgottenReads = new Map<string, number>();
  #orders = 0;

  /** What a device's transaction did; returns what is wrong with it. */
  stored(
    device: Device,
    changes: readonly Change[],
    historyOf: (id: string) => History | undefined,
  ): string | null {
    const { key } = device;
    for (const change of changes) {
      if (!("put" in change)) continue;
      if (change.table === "outbox") this.#wrote(key, change.put);
      const wrong =
        change.table === "conversations"
          ? this.#moved(device, key, change.put, historyOf(change.put.conversationId))
          : change.table === "entries"
            ? judgeEntry(change.put, historyOf(change.put.conversationId))
            : null;
      if (wrong !== null) return wrong;
    }
    return null;
  }

  /** What it holds is what its store has now; marks that were not forced to the disk are said again. */
  lostPower(device: Device): void {
    const prefix = `${device.key}/`;
    const [userId] = prefix.split(".");
    for (const [place, { record, read }] of this.#held) {
      if (!place.startsWith(prefix)) continue;
      const readPlace = `${userId}/${record.conversationId}`;
      this.#forgottenReads.set(readPlace, Math.max(this.#forgottenReads.get(readPlace) ?? 0, read));
      this.#held.delete(place);
    }
    for (const record of device.data.single.conversations.values()) {
      const { conversationId, logId, cursor, firstSeq, ownRead } = record as ConversationRecord;
      const held = {
        record: record as ConversationRecord,
        logId,
        cursor: cursor.seq,
        firstSeq,
        read: ownRead,
      };
      this.#held.set(`${prefix}${conversationId}`, held);
    }
  }

  restored(conversationId: string): void {
    this.#restored.add(conversationId);
  }
  isRestored(conversationId: string): boolean {
    return this.#restored.has(conversationId);
  }

  /** The cursor in the device's store; 0 when it has not taken the chat in. */
  storedUpTo(deviceKey: string, conversationId: string): number {
    return this.#held.get(`${deviceKey}/${conversationId}`)?.cursor ?? 0;
  }
  /** Everything from `from` up to here is on the device, or is its own. */
  heldBy(deviceKey: string, history: History, from = 1): number {
    let seq = Math.max(this.storedUpTo(deviceKey, history.id), from - 1);
    while (history.log[seq]?.author === deviceKey) seq += 1;
    return seq;
  }
  readBy(userId: string, conversationId: string): number {
    return this.#read.get(`${userId}/${conversationId}`) ?? 0;
  }
  readForgottenBy(userId: string, conversationId: string): number {
    return this.#forgottenReads.get(`${userId}/${conversationId}`) ?? 0;
  }
  /** [R1] The most that the user's mark may be, by what is on its devices. What was read counts as delivered. */
  deliveredTo(userId: string, history: History): number {
    const place = `${userId}/${history.id}`;
    // Devices that were removed before they took the chat in have said that they want nothing of it, up to there; back
    // in the chat, that stands [R1].
    if (history.devicesOf(userId).every((key) => history.isOut(key))) {
      const outs = history.roster.find((it) => it.user_id === userId)?.devices ?? [];
      const out = Math.max(this.#delivered.get(place) ?? 0, ...outs.map(({ left_seq: seq = 0 }) => seq));
      this.#delivered.set(place, out);
      return out;
    }
    const member = history.roster.find((candidate) => candidate.user_id === userId);
    const devices = (member?.devices ?? []).map((device) => ({
      from: device.joined_seq,
      to: this.heldBy(`${userId}.${device.id}`, history, device.joined_seq),
      isActive: device.left_seq === undefined && device.gone === undefined,
    }));
    // Of devices that were out and are in again: what they had before.
    const earlier = (member?.devices ?? []).map((device) => {
      const held = this.#held.get(`${userId}.${device.id}/${history.id}`);
      return held !== undefined && held.firstSeq < device.joined_seq
        ? Math.min(held.cursor, device.joined_seq - 1)
        : 0;
    });
    // Once delivered, always delivered, whatever becomes of the device.
    const before = Math.max(this.readBy(userId, history.id), this.#delivered.get(place) ?? 0, ...earlier);
    const delivered = deliveredTo(devices, before);
    this.#delivered.set(place, delivered);
    return delivered;
  }

  /** Place of a message among all that its device wrote; null if it failed, or is none of the outbox. */
  orderOf(author: string, messageId: string): number | null {
    const written = this.#written.get(author)?.get(messageId);
    return written === undefined || written.isFailed ? null : written.order;
  }

  #raiseDelivered(deviceKey: string, conversationId: string, seq: number): void {
    const place = `${deviceKey.split(".")[0]}/${conversationId}`;
    this.#delivered.set(place, Math.max(this.#delivered.get(place) ?? 0, seq));
  }

  #wrote(key: string | null, item: OutboxRecord): void {
    if (key === null) return;
    const ofDevice = this.#written.get(key) ?? new Map<string, Written>();
    this.#written.set(key, ofDevice);
    const known = ofDevice.get(item.messageId);
    // Taken up again, it stands behind what was written since.
    const isNew = known === undefined || known.position !== item.position;
    if (isNew) this.#orders += 1;
    const order = isNew ? this.#orders : known.order;
    ofDevice.set(item.messageId, { order, position: item.position, isFailed: item.state === "failed" });
  }

  #moved(
    device: Device,
    key: string | null,
    record: ConversationRecord,
    history: History | undefined,
  ): string | null {
    if (key === null) return null;
    const { conversationId, cursor, firstSeq, logId, security } = record;
    // The server shows everybody one log, unless it was restored.
    if (security === "fork" && history?.restores === 0)
      return `[E13] ${key} takes ${history.object.name} for forked at ${cursor.seq}`;
    if (history === undefined) return `[L2] a device holds ${conversationId}, which was never founded`;
    const place = `${key}/${conversationId}`;
    const before = this.#held.get(place);
    const isSameLog = before?.logId === logId && before.firstSeq === firstSeq;
    // It came in anew; what it had before it still had [R1].
    if (before !== undefined && before.logId === logId && firstSeq > before.firstSeq)
      this.#raiseDelivered(key, conversationId, before.cursor);
    if (isSameLog && cursor.seq < before.cursor && !this.isRestored(conversationId)) {
      return `[D2] the cursor of ${key} falls from ${before.cursor} to ${cursor.seq}`;
    }
    for (let seq = (isSameLog ? before.cursor : firstSeq - 1) + 1; seq <= cursor.seq; seq += 1) {
      const entry = device.data.get("entries", [conversationId, seq]);
      if (entry === null || entry.logId !== logId)
        return `[D1] the cursor of ${key} passes ${seq}, which it does not hold`;
    }
    this.#held.set(place, { record, logId, cursor: cursor.seq, firstSeq, read: record.ownRead });
    const userId = key.split(".")[0] ?? "";
    const readPlace = `${userId}/${conversationId}`;
    this.#read.set(readPlace, Math.max(this.#read.get(readPlace) ?? 0, record.ownRead));
    if (isSameLog && record.ownRead < before.read && !this.isRestored(conversationId))
      return `[R1] the read mark of ${key} falls from ${before.read} to ${record.ownRead}`;
    if (this.isRestored(conversationId)) return null;
    return (
      (isSameLog ? judgeRise(key, before.record, record) : null) ?? this.#judgeMarks(key, record, history)
    );
  }

  /** [R1] No watermark beyond what somebody's device holds or has been read. */
  #judgeMarks(key: string, record: ConversationRecord, history: History): string | null {
    const ownUser = key.split(".")[0];
    for (const member of record.members) {
      if (member.userId === ownUser) continue;
      const delivered = this.deliveredTo(member.userId, history);
      if (member.delivered > delivered) {
        return `[R1] ${key} sees ${member.userId} delivered up to ${member.delivered}, but none of its devices holds more than ${delivered}`;
      }
      const read = this.readBy(member.userId, record.conversationId);
      if (member.read > read)
        return `[R1] ${key} sees ${member.userId} read up to ${member.read}, who read up to ${read}`;
    }
    return null;
  }
}

/** [R1] Watermarks are monotonic. */
function judgeRise(key: string, before: ConversationRecord, after: ConversationRecord): string | null {
  for (const { userId, delivered, read } of before.members) {
    const now = after.members.find((member) => member.userId === userId);
    if (now !== undefined && (now.delivered < delivered || now.read < read)) {
      return `[R1] ${key} saw ${userId} at ${delivered}, ${read} and now at ${now.delivered}, ${now.read}`;
    }
  }
  return null;
}

function judgeEntry(
  put: { conversationId: string; seq: number; logId: string; messageId: string },
  history: History | undefined,
): string | null {
  if (history === undefined || put.logId !== history.logId) {
    return history?.restores === 0 ? `[L5] an entry of log ${put.logId} is stored, which never was` : null;
  }
  const entry = history.log[put.seq - 1];
  if (entry?.messageId === put.messageId || history.restores > 0) return null;
  return entry === undefined
    ? `[L2] a device holds entry ${put.seq}, which is not durable`
    : `[D3] a device holds ${put.messageId} at ${put.seq}, where the log has ${entry.messageId}`;
}
