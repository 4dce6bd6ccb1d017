/**
 * The hibernating sockets of devices that have this chat on screen. What must outlive hibernation is in the attachment:
 * who it is, its phase [D4], the end of the backlog batch under way, and whether its sends are paused [L7].
 */

import { type CloseName, closeCodes } from "../../src/protocol/close-codes.ts";
import type { ChatDown } from "../../src/protocol/frames.ts";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import { OutFrames } from "../out-frames.ts";
import type { Lane } from "./append.ts";

interface Attachment {
  device: DeviceRef;
  phase: "new" | "backlog" | "live";
  batch_to: number;
  is_paused: boolean;
}

export class ChatConnection implements Lane {
  readonly device: DeviceRef;
  readonly ws: WebSocket;
  readonly out: OutFrames;
  phase: "new" | "backlog" | "live";
  /** Last seq of the backlog batch under way; the next goes out once it is acknowledged. */
  batchTo: number;
  isPaused: boolean;
  #unacked: { to: number; bytes: number }[] = [];

  constructor(ws: WebSocket, attachment: Attachment) {
    this.ws = ws;
    this.out = new OutFrames(ws);
    this.device = attachment.device;
    this.phase = attachment.phase;
    this.batchTo = attachment.batch_to;
    this.isPaused = attachment.is_paused;
  }

  /** Bytes written here and not acknowledged, as far as this object remembers [F9]. */
  get windowBytes(): number {
    return this.#unacked.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  wrote(to: number, bytes: number): void {
    this.#unacked.push({ to, bytes });
  }
  acknowledged(seq: number): void {
    this.#unacked = this.#unacked.filter(({ to }) => to > seq);
  }

  /** Attachments are copies: after each change they are written again. */
  save(): void {
    const attachment: Attachment = {
      device: this.device,
      phase: this.phase,
      batch_to: this.batchTo,
      is_paused: this.isPaused,
    };
    this.ws.serializeAttachment(attachment);
  }

  queue(frame: ChatDown): void {
    this.out.push(JSON.stringify(frame));
  }
}

export class ChatSockets {
  #ctx: DurableObjectState;
  #bySocket = new Map<WebSocket, ChatConnection>();
  #byDevice = new Map<string, ChatConnection>();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    for (const ws of ctx.getWebSockets()) {
      if (ws.readyState === WebSocket.OPEN)
        this.#remember(new ChatConnection(ws, ws.deserializeAttachment()));
    }
  }

  get all(): Iterable<ChatConnection> {
    return this.#bySocket.values();
  }
  get count(): number {
    return this.#bySocket.size;
  }

  /** A newer chat socket of a device closes the older [F6]. */
  accept(ws: WebSocket, device: DeviceRef): void {
    const older = this.#byDevice.get(deviceKey(device));
    if (older !== undefined) this.close(older, "replaced");
    this.#ctx.acceptWebSocket(ws);
    const connection = new ChatConnection(ws, { device, phase: "new", batch_to: 0, is_paused: false });
    connection.save();
    this.#remember(connection);
  }

  of(ws: WebSocket): ChatConnection | undefined {
    return this.#bySocket.get(ws);
  }
  ofDevice(device: DeviceRef): ChatConnection | undefined {
    return this.#byDevice.get(deviceKey(device));
  }

  /** [F6] Whether this device gets entries here, and is therefore not named to its Inbox. */
  carries(device: DeviceRef): boolean {
    return this.ofDevice(device)?.phase === "live";
  }

  close(connection: ChatConnection, name: CloseName): void {
    this.forget(connection.ws);
    connection.out.flush();
    connection.ws.close(closeCodes[name].code, closeCodes[name].reason);
  }

  forget(ws: WebSocket): ChatConnection | undefined {
    const connection = this.#bySocket.get(ws);
    if (connection === undefined) return undefined;
    this.#bySocket.delete(ws);
    const key = deviceKey(connection.device);
    if (this.#byDevice.get(key) === connection) this.#byDevice.delete(key);
    return connection;
  }

  flush(): void {
    for (const connection of this.#bySocket.values()) connection.out.flush();
  }

  #remember(connection: ChatConnection): void {
    this.#bySocket.set(connection.ws, connection);
    this.#byDevice.set(deviceKey(connection.device), connection);
  }
}
