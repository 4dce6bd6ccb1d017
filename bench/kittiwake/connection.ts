/**
 * One device's socket, past its hello: frames out, frames in. It acknowledges every array with entries in it, with one
 * cumulative ack, as the protocol asks of whoever receives [D1].
 */
import { offeredProtocols } from "../../src/protocol/version.ts";
import { LeanWebSocket } from "../web-socket.ts";

export type Path = "chat" | "inbox";

export interface ConnectionOptions {
  base: string;
  path: Path;
  conversationId: string;
  accessToken: string;
  /** Each array of frames as it came, once the connection is live. */
  received(text: string): void;
  failed(error: Error): void;
}

const entriesMark = '"type":"entries"';
const liveMark = '"type":"live"';
const troubleMark = /"type":"(?:error|refused)"/;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #becameLive: () => void;
  #socket: LeanWebSocket | null = null;
  #isLive = false;
  /** The last entry's seq that came. */
  seq = 0;

  private constructor(options: ConnectionOptions, becameLive: () => void) {
    this.#options = options;
    this.#becameLive = becameLive;
  }

  /** Resolves once the server has said `live`: all that was stored has been received and acknowledged. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const live = Promise.withResolvers<void>();
    const connection = new Connection(
      {
        ...options,
        failed: (error) => {
          live.reject(error);
          options.failed(error);
        },
      },
      live.resolve,
    );
    await connection.#open();
    await live.promise;
    return connection;
  }

  send(texts: readonly string[]): void {
    this.#socket?.send(texts);
  }

  close(): void {
    this.#socket?.close();
  }

  async #open(): Promise<void> {
    const { base, path, conversationId, accessToken } = this.#options;
    const route = path === "chat" ? `/v1/conversations/${conversationId}/socket` : "/v1/inbox/socket";
    this.#socket = await LeanWebSocket.open(new URL(route, base), offeredProtocols(accessToken), {
      text: (text) => this.#take(text),
      closed: (reason) => this.#options.failed(new Error(`${path} socket: ${reason}`)),
    });
    const hello = path === "chat" ? { conversation_id: conversationId, position: null } : { store_id: null };
    this.send([JSON.stringify([{ type: "hello", ...hello }])]);
  }

  #take(text: string): void {
    if (troubleMark.test(text))
      return this.#options.failed(new Error(`${this.#options.path} socket: ${text.slice(0, 300)}`));
    if (text.includes(entriesMark)) this.#acknowledge(text);
    if (this.#isLive) this.#options.received(text);
    else if (text.includes(liveMark)) {
      this.#isLive = true;
      this.#becameLive();
    }
  }

  /** Nothing else with a `seq` travels beside entries to a device that does not send. */
  #acknowledge(text: string): void {
    this.seq = numberAfter(text, text.lastIndexOf(seqMark) + seqMark.length);
    this.send([`[{"type":"ack","conversation_id":"${this.#options.conversationId}","seq":${this.seq}}]`]);
  }
}

const seqMark = '"seq":';

function numberAfter(text: string, start: number): number {
  let value = 0;
  for (let at = start; ; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return value;
    value = value * 10 + digit;
  }
}
