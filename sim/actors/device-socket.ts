/** The device's end of a socket; what arrives after its app let go of it is nobody's. */
import type { SocketHandlers } from "../../src/client/environment.ts";
import type { Wire } from "../runtime/wire.ts";
import type { Device } from "./device.ts";

export class DeviceSocket {
  readonly path: string;
  wire: Wire | null = null;
  isClosed = false;
  readonly #device: Device;
  readonly #life: object;
  readonly #handlers: SocketHandlers;

  constructor(device: Device, life: object, path: string, handlers: SocketHandlers) {
    this.#device = device;
    this.#life = life;
    this.path = path;
    this.#handlers = handlers;
    device.sockets.add(this);
  }

  opened(wire: Wire): void {
    if (this.#isGone()) return wire.closedByDevice();
    this.wire = wire;
    this.#handlers.opened();
  }
  received(text: string): void {
    if (!this.#isGone()) this.#handlers.received(text);
  }
  closed(code: number): void {
    if (this.#isGone()) return;
    this.isClosed = true;
    this.#device.sockets.delete(this);
    this.#handlers.closed(code);
  }

  send(text: string): void {
    if (this.isClosed || this.wire === null) return;
    this.#device.world.observer.frameUp(this.#device, text);
    this.wire.toServer({ text });
  }
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#device.sockets.delete(this);
    this.wire?.closedByDevice();
  }

  #isGone(): boolean {
    return this.isClosed || this.#device.life !== this.#life;
  }
}
