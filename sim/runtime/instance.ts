/** One life of an object in memory: its `ctx`, what is pending, and who waits for its answers. */

import { SimWebSocket } from "./server-socket.ts";
import type { SimObject } from "./sim-object.ts";
import type { Wire } from "./wire.ts";

export class Instance {
  object: object = {};
  readonly #host: SimObject;
  readonly #onReady: () => void;
  readonly #sockets = new Map<Wire, SimWebSocket>();
  readonly #calls = new Set<() => void>();
  #pins = 0;
  #blocks = 0;

  constructor(host: SimObject, onReady: () => void) {
    this.#host = host;
    this.#onReady = onReady;
  }

  get isBlocked(): boolean {
    return this.#blocks > 0;
  }
  /** A pending call, timer or answer keeps an object in memory. */
  get isPinned(): boolean {
    return this.#pins > 0 || this.#blocks > 0;
  }
  pin(): void {
    this.#pins += 1;
  }
  unpin(): void {
    this.#pins -= 1;
  }

  start(objectClass: new (ctx: never, env: never) => object, env: Record<string, unknown>): void {
    this.object = new objectClass(this.#makeCtx() as never, env as never);
  }

  /** A call is being executed; `onDeath` tells its caller that nothing is known. */
  executes(onDeath: () => void): () => void {
    this.#calls.add(onDeath);
    this.pin();
    return () => {
      if (this.#calls.delete(onDeath)) this.unpin();
    };
  }
  died(): void {
    for (const onDeath of this.#calls) onDeath();
    this.#calls.clear();
  }

  socketOf(wire: Wire): SimWebSocket {
    const known = this.#sockets.get(wire);
    if (known !== undefined) return known;
    const socket = new SimWebSocket(wire);
    this.#sockets.set(wire, socket);
    return socket;
  }

  #makeCtx(): object {
    const host = this.#host;
    return {
      id: { name: host.id, toString: () => host.id },
      storage: host.storage,
      waitUntil: (promise: Promise<unknown>) => this.#waitUntil(promise),
      blockConcurrencyWhile: (work: () => Promise<unknown>) => this.#block(work),
      acceptWebSocket: (socket: SimWebSocket) => {
        socket.wire.accept(host);
        this.#sockets.set(socket.wire, socket);
      },
      getWebSockets: () => [...host.wires].map((wire) => this.socketOf(wire)),
      setWebSocketAutoResponse: (pair: { request: string; response: string }) => {
        host.autoResponse = pair;
      },
      getWebSocketAutoResponseTimestamp: (socket: SimWebSocket) => socket.wire.pingedAt,
    };
  }

  #waitUntil(promise: Promise<unknown>): void {
    this.pin();
    promise.then(
      () => this.unpin(),
      (error: unknown) => {
        this.unpin();
        this.#host.failed(error);
      },
    );
  }

  async #block(work: () => Promise<unknown>): Promise<unknown> {
    this.#blocks += 1;
    try {
      return await work();
    } finally {
      this.#blocks -= 1;
      if (this.#blocks === 0) this.#onReady();
    }
  }
}
