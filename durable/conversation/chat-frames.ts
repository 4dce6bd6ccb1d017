/**
 * What a device says on the socket of a chat it has on screen: hello, sends, acks, read marks [D4] [F6].
 * Resume: hello → backlog in bounded batches, the next once the last is acknowledged → `live` → live traffic.
 */

import type { Position } from "../../src/protocol/entry.ts";
import type { ChatUp } from "../../src/protocol/frames.ts";
import { deviceKey } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import { entriesFrame } from "../out-frames.ts";
import { FrameRate } from "../rate.ts";
import type { BadFrame } from "../read-frames.ts";
import { errorFrame, refusedFrame } from "../refused-frame.ts";
import type { Lane } from "./append.ts";
import type { ChatConnection } from "./chat-sockets.ts";
import type { ConversationCore } from "./core.ts";
import { messageDraft } from "./draft.ts";
import type { Ingest } from "./ingest.ts";
import { entryHead } from "./log.ts";
import { isGenuine } from "./position.ts";
import type { Receipts } from "./receipts.ts";
import { describe, type Loaded, renamed } from "./state.ts";

export class ChatFrames {
  #core: ConversationCore;
  #ingest: Ingest;
  #receipts: Receipts;
  #rate = new FrameRate();

  constructor(core: ConversationCore, ingest: Ingest, receipts: Receipts) {
    this.#core = core;
    this.#ingest = ingest;
    this.#receipts = receipts;
  }

  /** One frame; the caller flushes the socket. */
  take(connection: ChatConnection, frame: ChatUp | BadFrame): void {
    const waitMs = this.#rate.take(deviceKey(connection.device), frame.type, Date.now());
    if (waitMs > 0) {
      const details = { retry_after_ms: waitMs };
      return connection.queue(errorFrame({ code: "rate_limited", details }, this.#core.id));
    }
    if (frame.type === "bad") return this.#refuseBad(connection, frame);
    if (frame.conversation_id !== this.#core.id) {
      return this.#refuseBad(connection, {
        type: "bad",
        where: "conversation_id",
        isSend: false,
        messageId: null,
        conversationId: null,
      });
    }
    switch (frame.type) {
      case "hello":
        return this.#hello(connection, frame.position);
      case "send":
        return this.#send(connection, frame);
      case "proceed":
        connection.isPaused = false;
        return connection.save();
      case "ack":
        return this.#ack(connection, frame.seq);
      case "read":
        return this.#read(connection, frame.seq);
    }
  }

  #send(connection: ChatConnection, frame: Extract<ChatUp, { type: "send" }>): void {
    const wasPaused = connection.isPaused;
    this.#ingest.submit(connection.device, messageDraft(frame), connection, (outcome) => {
      if ("accepted" in outcome) connection.queue(outcome.accepted);
      else connection.queue(refusedFrame(this.#core.id, frame.message_id, outcome.refused));
      if (connection.isPaused !== wasPaused) connection.save();
    });
  }

  /** [L5] Where the device stands, and whether its position is of this log. */
  #hello(connection: ChatConnection, position: Position | null): void {
    const { loaded } = this.#core;
    const device = this.#core.memberDevice(connection.device);
    if (loaded === null || device === undefined) return this.#core.sockets.close(connection, "notFound");
    const isKnown = position === null || this.#isInLog(loaded, position);
    if (position !== null && !isKnown && this.#provesRestore(loaded, position)) {
      this.#renameLog(connection, position);
    }
    const cursor = position !== null && isKnown ? position.seq : 0;
    const start = Math.max(cursor, device.joined_seq - 1);
    connection.phase = "backlog";
    connection.batchTo = start;
    connection.queue({
      type: "ready",
      conversation_id: this.#core.id,
      resync: !isKnown,
      state: describe(this.#core.id, loaded, device.joined_seq, this.#core.key),
    });
    if (cursor > 0) this.#advance(connection, cursor);
    this.#pumpBacklog(connection, start);
  }

  #isInLog(loaded: Loaded, position: Position): boolean {
    if (position.log_id !== loaded.identity.logId || position.seq > loaded.head.seq) return false;
    return entryHead(this.#core.sql, position.seq)?.message_id === position.message_id;
  }

  /** A genuine MAC over a place that this log does not have, and that none of its known predecessors explains. */
  #provesRestore(loaded: Loaded, position: Position): boolean {
    return !loaded.identity.formerLogIds.includes(position.log_id) && isGenuine(this.#core.key, position);
  }

  /** [L5] A new name before anything is accepted; all others resume and learn it. */
  #renameLog(witness: ChatConnection, evidence: Position): void {
    const { loaded, sockets } = this.#core;
    if (loaded === null) return;
    this.#core.replaceIdentity(renamed(loaded.identity, evidence.log_id));
    for (const connection of [...sockets.all]) {
      if (connection !== witness) sockets.close(connection, "resume");
    }
  }

  /** [D1] [D2] The device holds everything up to `seq`. */
  #ack(connection: ChatConnection, seq: number): void {
    const head = this.#core.loaded?.head.seq ?? 0;
    if (seq > head) {
      return connection.queue(errorFrame({ code: "beyond_head", details: { head } }, this.#core.id));
    }
    connection.acknowledged(seq);
    this.#advance(connection, seq);
    if (connection.phase === "backlog" && seq >= connection.batchTo) this.#pumpBacklog(connection, seq);
    this.#ingest.schedule();
  }

  #advance(connection: ChatConnection, seq: number): void {
    const { loaded } = this.#core;
    if (loaded === null) return;
    if (loaded.progress.ack(connection.device, seq)) {
      this.#receipts.rose(connection.device.user_id, "delivered");
    }
    // A cursor that moved is written back, whether or not a watermark rose with it.
    if (loaded.progress.isDirty) this.#ingest.schedule();
  }

  #read(connection: ChatConnection, seq: number): void {
    const { loaded, id } = this.#core;
    if (loaded === null || seq > loaded.head.seq) {
      const head = loaded?.head.seq ?? 0;
      return connection.queue(errorFrame({ code: "beyond_head", details: { head } }, id));
    }
    if (loaded.progress.read(connection.device, seq)) {
      this.#receipts.rose(connection.device.user_id, "read");
      this.#ingest.schedule();
    } else if (loaded.progress.readConfirmed(connection.device.user_id) >= seq) {
      connection.queue({ type: "read_confirmed", conversation_id: id, seq });
    }
  }

  /** The next batch after `seq`, or `live` in the turn that finds nothing left. */
  #pumpBacklog(connection: ChatConnection, seq: number): void {
    const { loaded, cache, id } = this.#core;
    if (loaded === null) return;
    const from = Math.max(seq, connection.batchTo) + 1;
    const head = loaded.head.seq;
    if (from > head) {
      connection.phase = "live";
      connection.queue({ type: "live", conversation_id: id });
      return connection.save();
    }
    const entries = cache.range(
      from,
      Math.min(head, from + limits.backlogEntriesMax - 1),
      limits.backlogBytesMax,
    );
    const last = entries.at(-1);
    if (last === undefined) return;
    connection.batchTo = last.seq;
    connection.save();
    const logId = loaded.identity.logId;
    const mac = this.#core.mac(logId, last.seq, last.message_id);
    connection.out.push(
      entriesFrame(
        id,
        logId,
        entries.map((entry) => entry.json),
        mac,
      ),
    );
  }

  /** [L7] A send that cannot even be read still pauses the lane: what follows must not overtake it. */
  #refuseBad(connection: ChatConnection, frame: BadFrame): void {
    if (frame.isSend) {
      pause(connection);
      connection.save();
    }
    const refusal = { code: "bad_frame" as const, details: { where: frame.where } };
    if (frame.isSend && frame.messageId !== null) {
      connection.queue(refusedFrame(this.#core.id, frame.messageId, refusal));
    } else {
      connection.queue(errorFrame(refusal));
    }
  }
}

function pause(lane: Lane): void {
  lane.isPaused = true;
}
