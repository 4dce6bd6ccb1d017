/**
 * The one hibernating socket of each device [D5]. Phase and window live in the attachment [D4], so that a resume goes on
 * where it was after hibernation: the place in the held rows, the batch not yet acknowledged, chats whose sends are paused.
 */
import { type CloseName, closeCodes } from "../../src/protocol/close-codes.ts";
import type { InboxDown } from "../../src/protocol/frames.ts";
import { limits } from "../../src/protocol/limits.ts";
import { OutFrames } from "../out-frames.ts";
import type { HeldPosition } from "./held.ts";

interface Attachment {
  device_id: number;
  phase: "new" | "resuming" | "live";
  position: HeldPosition | null;
  batch: Record<string, number>;
  paused: string[];
}

export class InboxConnection {
  readonly ws: WebSocket;
  readonly deviceId: number;
  readonly out: OutFrames;
  phase: "new" | "resuming" | "live";
  position: HeldPosition | null;
  /** Last seq per conversation of the backlog batch that is out. */
  batch: Map<string, number>;
  batchSentAt = 0;
  /** [L7] Conversations that refused a send of this connection. */
  paused: Set<string>;
  /** [R3] The read mark that was last confirmed with a delivery, by conversation. Not kept: a wake confirms once more. */
  #confirmed = new Map<string, number>();

  constructor(ws: WebSocket, attachment: Attachment) {
    this.ws = ws;
    this.out = new OutFrames(ws);
    this.deviceId = attachment.device_id;
    this.phase = attachment.phase;
    this.position = attachment.position;
    this.batch = new Map(Object.entries(attachment.batch));
    this.paused = new Set(attachment.paused);
  }

  save(): void {
    const attachment: Attachment = {
      device_id: this.deviceId,
      phase: this.phase,
      position: this.position,
      batch: Object.fromEntries(this.batch),
      paused: [...this.paused],
    };
    this.ws.serializeAttachment(attachment);
  }

  queue(frame: InboxDown): void {
    this.out.push(JSON.stringify(frame));
  }

  /** [R3] With a delivery, if it is not what the last one said. Whoever repeats a mark is answered with the report. */
  confirmRead(conversationId: string, seq: number): void {
    if (seq === 0 || this.#confirmed.get(conversationId) === seq) return;
    this.#confirmed.delete(conversationId);
    this.#confirmed.set(conversationId, seq);
    const oldest = this.#confirmed.keys().next().value;
    if (this.#confirmed.size > limits.readsConfirmedMax && oldest !== undefined)
      this.#confirmed.delete(oldest);
    this.queue({ type: "read_confirmed", conversation_id: conversationId, seq });
  }
}

export class InboxSockets {
  #ctx: DurableObjectState;
  #bySocket = new Map<WebSocket, InboxConnection>();
  #byDevice = new Map<number, InboxConnection>();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    for (const ws of ctx.getWebSockets()) {
      if (ws.readyState === WebSocket.OPEN)
        this.#remember(new InboxConnection(ws, ws.deserializeAttachment()));
    }
  }

  /** [D5] A newer connection closes the older. */
  accept(ws: WebSocket, deviceId: number): void {
    const older = this.#byDevice.get(deviceId);
    if (older !== undefined) this.close(older, "replaced");
    this.#ctx.acceptWebSocket(ws);
    const connection = new InboxConnection(ws, {
      device_id: deviceId,
      phase: "new",
      position: null,
      batch: {},
      paused: [],
    });
    connection.save();
    this.#remember(connection);
  }

  get all(): Iterable<InboxConnection> {
    return this.#bySocket.values();
  }
  of(ws: WebSocket): InboxConnection | undefined {
    return this.#bySocket.get(ws);
  }
  ofDevice(deviceId: number): InboxConnection | undefined {
    return this.#byDevice.get(deviceId);
  }

  close(connection: InboxConnection, name: CloseName): void {
    this.forget(connection.ws);
    connection.out.flush();
    connection.ws.close(closeCodes[name].code, closeCodes[name].reason);
  }

  forget(ws: WebSocket): void {
    const connection = this.#bySocket.get(ws);
    if (connection === undefined) return;
    this.#bySocket.delete(ws);
    if (this.#byDevice.get(connection.deviceId) === connection) this.#byDevice.delete(connection.deviceId);
  }

  #remember(connection: InboxConnection): void {
    this.#bySocket.set(connection.ws, connection);
    this.#byDevice.set(connection.deviceId, connection);
  }
}
