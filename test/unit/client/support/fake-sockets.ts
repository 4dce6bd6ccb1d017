/** The fake server's end of a WebSocket: what came in is kept, and what it answers can be lost. */
import type { SocketHandlers } from "../../../../src/client/environment.ts";
import type { DeviceRef } from "../../../../src/protocol/ids.ts";

export interface Frame {
  type: string;
  conversation_id?: string;
  [field: string]: unknown;
}

export class FakeSocket {
  readonly device: DeviceRef;
  /** Null: the inbox socket. */
  readonly conversationId: string | null;
  readonly received: Frame[] = [];
  readonly handlers: SocketHandlers;
  isOpen = true;
  isLive = false;
  /** [L7] Chats whose sends are refused until `proceed`. */
  readonly heldBack = new Set<string>();
  /** Frames of these types are lost on their way down. */
  readonly loses = new Set<string>();
  answersPing = true;
  onFrame: (frame: Frame, socket: FakeSocket) => void = () => {};

  constructor(device: DeviceRef, conversationId: string | null, handlers: SocketHandlers) {
    this.device = device;
    this.conversationId = conversationId;
    this.handlers = handlers;
  }

  /** From the client. */
  take(text: string): void {
    if (!this.isOpen) return;
    if (text === "ping") {
      if (this.answersPing) queueMicrotask(() => this.isOpen && this.handlers.received("pong"));
      return;
    }
    for (const frame of JSON.parse(text) as Frame[]) {
      this.received.push(frame);
      this.onFrame(frame, this);
    }
  }

  send(...frames: object[]): void {
    const sent = frames.filter((frame) => !this.loses.has((frame as Frame).type));
    if (!this.isOpen || sent.length === 0) return;
    const text = JSON.stringify(sent);
    queueMicrotask(() => this.isOpen && this.handlers.received(text));
  }

  close(code: number): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.isLive = false;
    queueMicrotask(() => this.handlers.closed(code));
  }

  framesOf(type: string): Frame[] {
    return this.received.filter((frame) => frame.type === type);
  }
}
