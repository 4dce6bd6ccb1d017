/**
 * One connection through the proxy. Until something is done to it, bytes pass both ways; once the client has asked for
 * a WebSocket, they pass frame by frame.
 */
import { connect, type Socket } from "node:net";
import { type Frame, FrameSplitter, textOf } from "./frames.ts";

export type Direction = "up" | "down";

export interface LinkOptions {
  client: Socket;
  serverPort: number;
  /** Asked for every text frame. */
  isDropped(direction: Direction): boolean;
  dropped(direction: Direction, text: string): void;
  ended(): void;
}

const headEnd = "\r\n\r\n";
const headBytesMax = 16 * 1024;

export class Link {
  readonly #options: LinkOptions;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #up = new FrameSplitter();
  readonly #down = new FrameSplitter();
  #head: Buffer | null = Buffer.alloc(0);
  #answer: Buffer | null = Buffer.alloc(0);
  #isBlackHole = false;
  #stallTimer: NodeJS.Timeout | null = null;
  isSocket = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#server = connect({ host: "127.0.0.1", port: options.serverPort, noDelay: true });
    this.#client.setNoDelay(true);
    this.#client.on("data", (bytes) => this.#fromClient(bytes));
    this.#server.on("data", (bytes) => this.#fromServer(bytes));
    for (const [socket, other] of [
      [this.#client, this.#server],
      [this.#server, this.#client],
    ] as const) {
      // What went wrong is the close that follows.
      socket.on("error", () => {});
      socket.on("drain", () => this.#flow(other));
      socket.on("close", () => this.#closed());
    }
  }

  /** Nothing moves for a while; then everything comes, in order. */
  stall(ms: number): void {
    if (this.#stallTimer !== null) return;
    this.#stallTimer = setTimeout(() => {
      this.#stallTimer = null;
      for (const socket of [this.#client, this.#server]) this.#flow(socket);
    }, ms);
    for (const socket of [this.#client, this.#server]) socket.pause();
  }

  /** Half-open from now on: both sides think that they are connected, and neither hears the other again. */
  blackHole(): void {
    this.#isBlackHole = true;
  }

  cut(): void {
    this.#isBlackHole = false;
    if (this.#stallTimer !== null) clearTimeout(this.#stallTimer);
    this.#client.destroy();
    this.#server.destroy();
  }

  #closed(): void {
    if (this.#client.destroyed && this.#server.destroyed) this.#options.ended();
    // A dead network carries no news of the end either.
    else if (!this.#isBlackHole) this.cut();
  }

  #fromClient(bytes: Buffer): void {
    if (this.#head === null) return this.#pass("up", bytes);
    this.#head = Buffer.concat([this.#head, bytes]);
    const end = this.#head.indexOf(headEnd);
    if (end < 0) {
      if (this.#head.length > headBytesMax) this.cut();
      return;
    }
    const head = this.#head.toString("latin1", 0, end);
    const rest = this.#head.subarray(end);
    this.#head = null;
    this.isSocket = /^upgrade: *websocket\r?$/im.test(head);
    if (!this.isSocket) this.#answer = null;
    // Compressed frames could not be read, and what was in a dropped one must be known.
    const asked = head.replace(/\r\nsec-websocket-extensions:[^\r]*/i, "");
    this.#write("up", Buffer.concat([Buffer.from(asked, "latin1"), rest.subarray(0, headEnd.length)]));
    if (rest.length > headEnd.length) this.#pass("up", rest.subarray(headEnd.length));
  }

  #fromServer(bytes: Buffer): void {
    if (this.#answer === null) return this.#pass("down", bytes);
    this.#answer = Buffer.concat([this.#answer, bytes]);
    const end = this.#answer.indexOf(headEnd);
    if (end < 0) return;
    const frames = this.#answer.subarray(end + headEnd.length);
    // An upgrade that is refused is answered like any request.
    if (!this.#answer.subarray(0, 32).toString("latin1").startsWith("HTTP/1.1 101")) this.isSocket = false;
    this.#write("down", this.#answer.subarray(0, end + headEnd.length));
    this.#answer = null;
    if (frames.length > 0) this.#pass("down", frames);
  }

  #pass(direction: Direction, bytes: Buffer): void {
    if (!this.isSocket) return this.#write(direction, bytes);
    const splitter = direction === "up" ? this.#up : this.#down;
    const kept = splitter.take(bytes).filter((frame) => !this.#drops(direction, frame));
    if (kept.length > 0) this.#write(direction, Buffer.concat(kept.map((frame) => frame.bytes)));
  }

  #drops(direction: Direction, frame: Frame): boolean {
    if (this.#isBlackHole || !frame.isText || !this.#options.isDropped(direction)) return false;
    this.#options.dropped(direction, textOf(frame));
    return true;
  }

  #write(direction: Direction, bytes: Buffer): void {
    if (this.#isBlackHole) return;
    const [from, to] = direction === "up" ? [this.#client, this.#server] : [this.#server, this.#client];
    if (to.destroyed) return;
    if (!to.write(bytes)) from.pause();
  }

  #flow(socket: Socket): void {
    if (this.#stallTimer === null && !socket.destroyed) socket.resume();
  }
}
