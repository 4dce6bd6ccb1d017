/** What a device says on its inbox socket: hello, sends, acks, read marks [D4]. */
import { errorMessage } from "../../src/protocol/errors.ts";
import type { InboxUp } from "../../src/protocol/frames.ts";
import type { BadFrame } from "../read-frames.ts";
import { refusedFrame } from "../refused-frame.ts";
import type { InboxCore } from "./core.ts";
import type { InboxConnection } from "./inbox-sockets.ts";
import type { Reports } from "./reports.ts";
import { pumpBacklog } from "./resume.ts";
import { pause, type Sends } from "./sends.ts";

export class InboxFrames {
  #core: InboxCore;
  #reports: Reports;
  #sends: Sends;

  constructor(core: InboxCore, reports: Reports, sends: Sends) {
    this.#core = core;
    this.#reports = reports;
    this.#sends = sends;
  }

  /** One frame; the caller flushes the socket. */
  take(connection: InboxConnection, frame: InboxUp | BadFrame): void {
    switch (frame.type) {
      case "bad":
        return this.#refuseBad(connection, frame);
      case "hello":
        return this.#hello(connection);
      case "send":
      case "commit":
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

  #hello(connection: InboxConnection): void {
    this.#core.recall(connection.deviceId);
    connection.phase = "resuming";
    connection.position = null;
    connection.batch = new Map();
    connection.queue({ type: "ready", store_id: this.#core.storeId() });
    pumpBacklog(connection, this.#core.held, this.#core.remembered, Date.now());
  }

  #send(connection: InboxConnection, frame: Extract<InboxUp, { type: "send" | "commit" }>): void {
    const submission = { silent: frame.type === "commit", ...frame };
    this.#sends.submit(connection, frame.conversation_id, submission, (outcome) => {
      if ("accepted" in outcome) connection.queue(outcome.accepted);
      else connection.queue(refusedFrame(frame.conversation_id, frame.message_id, outcome.refused));
    });
  }

  /** [D1] Remembered only as far as a delivery reached: a claim beyond it is the Conversation's to judge. */
  #ack(connection: InboxConnection, conversationId: string, seq: number): void {
    const { remembered, held } = this.#core;
    const batchEnd = connection.batch.get(conversationId);
    if (seq <= Math.max(remembered.seen(conversationId), batchEnd ?? 0)) {
      remembered.ack(connection.deviceId, conversationId, seq);
    }
    if (batchEnd !== undefined && seq >= batchEnd) {
      connection.batch.delete(conversationId);
      if (connection.batch.size === 0) pumpBacklog(connection, held, remembered, Date.now());
      else connection.save();
    }
    void this.#reports.add(conversationId, { device_id: connection.deviceId, acked: seq });
  }

  #refuseBad(connection: InboxConnection, frame: BadFrame): void {
    const refusal = { code: "bad_frame" as const, details: { where: frame.where } };
    if (frame.isSend && frame.conversationId !== null) {
      pause(connection, frame.conversationId);
      if (frame.messageId !== null) {
        return connection.queue(refusedFrame(frame.conversationId, frame.messageId, refusal));
      }
    }
    connection.queue({
      type: "error",
      code: "bad_frame",
      message: errorMessage("bad_frame"),
      where: frame.where,
    });
  }
}
