/** The server's end of a socket as an object sees it. One per wire and life: hibernation gives new ones. */
import type { Wire } from "./wire.ts";

export class SimWebSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly wire: Wire;
  constructor(wire: Wire) {
    this.wire = wire;
  }

  get readyState(): number {
    return this.wire.serverState;
  }
  send(text: string): void {
    const { wire } = this;
    if (wire.serverState !== 1) throw new TypeError("Can't call WebSocket send() after close().");
    emitted(wire, () => wire.toClient({ text }));
  }
  close(code = 1000): void {
    const { wire } = this;
    if (wire.serverState !== 1) return;
    wire.serverState = 2;
    emitted(wire, () => wire.toClient({ close: code }));
  }
  /** A copy: later changes need another call. */
  serializeAttachment(value: unknown): void {
    this.wire.attachment = structuredClone(value);
  }
  deserializeAttachment(): unknown {
    return structuredClone(this.wire.attachment);
  }
}

function emitted(wire: Wire, output: () => void): void {
  if (wire.server === null) output();
  else wire.server.emit(output);
}
