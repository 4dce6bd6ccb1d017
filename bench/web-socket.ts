/**
 * A WebSocket client that costs as little as possible, because it shares the machine with the server it measures:
 * text frames, no extensions, no fragments. Masks are zero, which RFC 6455 wants unpredictable and no server can tell.
 */
import { connect, type Socket } from "node:net";

export interface WebSocketEvents {
  text(text: string): void;
  closed(reason: string): void;
}

/** All sockets read into one buffer: what was read is taken before the next read. */
const readBuffer = Buffer.allocUnsafe(1 << 20);
const opcode = { text: 1, close: 8, ping: 9, pong: 10 };

export class LeanWebSocket {
  readonly #socket: Socket;
  readonly #events: WebSocketEvents;
  readonly #opened: () => void;
  #isOpen = false;
  #isClosing = false;
  /** The start of a frame whose end has not come. */
  #rest: Buffer | null = null;

  private constructor(url: URL, protocols: readonly string[], events: WebSocketEvents, opened: () => void) {
    this.#events = events;
    this.#opened = opened;
    const onread = { buffer: readBuffer, callback: (length: number) => this.#read(length) };
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true, onread });
    this.#socket.on("error", (error) => this.#closed(error.message));
    this.#socket.on("close", () => this.#closed("the connection was cut"));
    this.#socket.write(upgradeRequest(url, protocols));
  }

  static open(url: URL, protocols: readonly string[], events: WebSocketEvents): Promise<LeanWebSocket> {
    return new Promise((resolve, reject) => {
      const client: LeanWebSocket = new LeanWebSocket(
        url,
        protocols,
        {
          text: events.text,
          closed: (reason) => {
            reject(new Error(reason));
            events.closed(reason);
          },
        },
        () => resolve(client),
      );
    });
  }

  /** One frame for each text, in one write. The texts are ASCII. */
  send(texts: readonly string[]): void {
    let length = 0;
    for (const text of texts) length += headerLength(text.length) + text.length;
    const bytes = Buffer.allocUnsafe(length);
    let at = 0;
    for (const text of texts) {
      at = writeHeader(bytes, at, opcode.text, text.length);
      at += bytes.write(text, at, "latin1");
    }
    this.#socket.write(bytes);
  }

  close(): void {
    this.#isClosing = true;
    this.#socket.destroy();
  }

  #closed(reason: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#events.closed(reason);
  }

  #read(length: number): boolean {
    const fresh = readBuffer.subarray(0, length);
    const bytes = this.#rest === null ? fresh : Buffer.concat([this.#rest, fresh]);
    const used = this.#isOpen ? this.#takeFrames(bytes, 0) : this.#takeAnswer(bytes);
    this.#rest = used === bytes.length ? null : Buffer.from(bytes.subarray(used));
    return true;
  }

  #takeAnswer(bytes: Buffer): number {
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0) return 0;
    const status = bytes.toString("latin1", 0, bytes.indexOf("\r\n"));
    if (!status.startsWith("HTTP/1.1 101")) {
      this.#closed(`the upgrade was answered with ${status}`);
      return bytes.length;
    }
    this.#isOpen = true;
    this.#opened();
    return this.#takeFrames(bytes, end + 4);
  }

  /** Returns how far whole frames reached. */
  #takeFrames(bytes: Buffer, start: number): number {
    let at = start;
    while (bytes.length - at >= 2) {
      const first = bytes[at] ?? 0;
      const short = bytes[at + 1] ?? 0;
      const bodyAt = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
      if (bodyAt > bytes.length) break;
      const length =
        short < 126
          ? short
          : short === 126
            ? bytes.readUInt16BE(at + 2)
            : Number(bytes.readBigUInt64BE(at + 2));
      if (bodyAt + length > bytes.length) break;
      at = bodyAt + length;
      this.#take(first, bytes, bodyAt, at);
    }
    return at;
  }

  #take(first: number, bytes: Buffer, from: number, to: number): void {
    if (first === (0x80 | opcode.text)) this.#events.text(bytes.toString("latin1", from, to));
    else if (first === (0x80 | opcode.ping)) this.#pong(bytes.subarray(from, to));
    else if (first === (0x80 | opcode.close)) this.#closed(closeReason(bytes.subarray(from, to)));
    else this.#closed(`a frame began with ${first}, which this client does not read`);
  }

  #pong(payload: Buffer): void {
    const bytes = Buffer.allocUnsafe(headerLength(payload.length) + payload.length);
    payload.copy(bytes, writeHeader(bytes, 0, opcode.pong, payload.length));
    this.#socket.write(bytes);
  }
}

function upgradeRequest(url: URL, protocols: readonly string[]): string {
  const lines = [
    `GET ${url.pathname} HTTP/1.1`,
    `Host: ${url.host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    `Sec-WebSocket-Protocol: ${protocols.join(", ")}`,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A client's header ends with the mask. */
function headerLength(payloadLength: number): number {
  return payloadLength < 126 ? 6 : payloadLength < 65_536 ? 8 : 14;
}

/** Returns where the payload begins. */
function writeHeader(bytes: Buffer, at: number, code: number, length: number): number {
  bytes[at] = 0x80 | code;
  if (length < 126) bytes[at + 1] = 0x80 | length;
  else if (length < 65_536) {
    bytes[at + 1] = 0x80 | 126;
    bytes.writeUInt16BE(length, at + 2);
  } else {
    bytes[at + 1] = 0x80 | 127;
    bytes.writeBigUInt64BE(BigInt(length), at + 2);
  }
  const end = at + headerLength(length);
  bytes.fill(0, end - 4, end);
  return end;
}

function closeReason(payload: Buffer): string {
  const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
  return `closed by the server: ${code} ${payload.toString("utf8", 2)}`;
}
