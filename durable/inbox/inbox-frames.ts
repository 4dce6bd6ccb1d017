/** What a device says on its inbox socket: hello, sends, acks, read marks [D4]. */
import type { InboxUp } from "../../src/protocol/frames.ts";
import { FrameRate } from "../rate.ts";
import type { BadFrame } from "../read-frames.ts";
import { errorFrame, refusedFrame } from "../refused-frame.ts";
import type { Refusal } from "../rpc.ts";
import type { InboxCore } from "./core.ts";
import type { InboxConnection } from "./inbox-sockets.ts";
import type { Reports } from "./reports.ts";
import { pumpBacklog } from "./resume.ts";
import { pause, type Sends } from "./sends.ts";

export class InboxFrames {
  #core: InboxCore;
  #reports: Reports;
  #sends: Sends;
  #rate = new FrameRate();

  constructor(core: InboxCore, reports: Reports, sends: Sends) {
    this.#core = core;
    this.#reports = reports;
    this.#sends = sends;
  }

  /** One frame; the caller flushes the socket. */
  take(connection: InboxConnection, frame: InboxUp | BadFrame): void {
    const waitMs = this.#waitMs(connection, frame);
    if (waitMs > 0) return this.#rateLimited(connection, frame, waitMs);
    switch (frame.type) {
      case "bad":
        return this.#refuseBad(connection, frame);
      case "hello":
        return this.#hello(connection);
      case "send":
        return this.#send(connection, frame);
      case "proceed":
        connection.paused.delete(frame.conversation_id);
        return connection.save();
      case "ack":
        return this.#ack(connection, frame.conversation_id, frame.seq);
      case "read":
        void this.#reports.add(frame.conversation_id, { device_id: connection.deviceId, read: frame.seq });
    }
  }

  /** [F9] 0, or how long this device has to wait before it says such a thing. */
  #waitMs(connection: InboxConnection, frame: InboxUp | BadFrame): number {
    const now = Date.now();
    const waitMs = this.#rate.take(String(connection.deviceId), frame.type, now);
    if (waitMs > 0) return waitMs;
    const isCall = frame.type === "send" || frame.type === "ack" || frame.type === "read";
    // A paused lane answers without a call.
    if (!isCall || connection.paused.has(frame.conversation_id)) return 0;
    return this.#core.unlisted.take(connection.deviceId, frame.conversation_id, now);
  }

  #hello(connection: InboxConnection): void {
    this.#core.recall(connection.deviceId);
    connection.phase = "resuming";
    connection.position = null;
    connection.batch = new Map();
    connection.queue({ type: "ready", store_id: this.#core.storeId() });
    pumpBacklog(connection, this.#core, Date.now());
  }

  #send(connection: InboxConnection, frame: Extract<InboxUp, { type: "send" }>): void {
    this.#sends.submit(connection, frame.conversation_id, frame, (outcome) => {
      if ("accepted" in outcome) return connection.queue(outcome.accepted);
      if (outcome.refused.code === "not_found") this.#core.unlisted.refused(frame.conversation_id);
      connection.queue(refusedFrame(frame.conversation_id, frame.message_id, outcome.refused));
    });
  }

  /** [D1] Remembered only as far as a delivery reached: a claim beyond it is the Conversation's to judge. */
  #ack(connection: InboxConnection, conversationId: string, seq: number): void {
    const { remembered } = this.#core;
    const batchEnd = connection.batch.get(conversationId);
    if (seq <= Math.max(remembered.seen(conversationId), batchEnd ?? 0)) {
      remembered.ack(connection.deviceId, conversationId, seq);
    }
    if (batchEnd !== undefined && seq >= batchEnd) {
      connection.batch.delete(conversationId);
      if (connection.batch.size === 0) pumpBacklog(connection, this.#core, Date.now());
      else connection.save();
    }
    void this.#reports.add(conversationId, { device_id: connection.deviceId, acked: seq });
  }

  #rateLimited(connection: InboxConnection, frame: InboxUp | BadFrame, waitMs: number): void {
    const refusal: Refusal = { code: "rate_limited", details: { retry_after_ms: waitMs } };
    if (frame.type === "send") {
      pause(connection, frame.conversation_id);
      return connection.queue(refusedFrame(frame.conversation_id, frame.message_id, refusal));
    }
    connection.queue(errorFrame(refusal, "conversation_id" in frame ? frame.conversation_id : undefined));
  }

  #refuseBad(connection: InboxConnection, frame: BadFrame): void {
    const refusal = { code: "bad_frame" as const, details: { where: frame.where } };
    if (frame.isSend && frame.conversationId !== null) {
      pause(connection, frame.conversationId);
      if (frame.messageId !== null) {
        return connection.queue(refusedFrame(frame.conversationId, frame.messageId, refusal));
      }
    }
    connection.queue(errorFrame(refusal));
  }
}
