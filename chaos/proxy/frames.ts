/** Cuts a WebSocket byte stream into whole frames (RFC 6455, section 5.2), so that single ones can be taken out. */

export interface Frame {
  /** As they came, header included. */
  bytes: Buffer;
  /** A whole text message: final, not a continuation, not a control frame. */
  isText: boolean;
  /** Where the payload begins in `bytes`. */
  payloadAt: number;
}

const finalText = 0x81;
const maskBit = 0x80;

export class FrameSplitter {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that these bytes complete. */
  take(bytes: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== null; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | null {
    const rest = this.#rest;
    if (rest.length < 2) return null;
    const short = rest.readUInt8(1) & ~maskBit;
    const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
    const payloadAt = 2 + lengthBytes + ((rest.readUInt8(1) & maskBit) === 0 ? 0 : 4);
    if (rest.length < payloadAt) return null;
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    const end = payloadAt + length;
    if (rest.length < end) return null;
    this.#rest = rest.subarray(end);
    return { bytes: rest.subarray(0, end), isText: rest.readUInt8(0) === finalText, payloadAt };
  }
}

/** The text of a frame, unmasked where it came from a client. Frames are not compressed: the proxy sees to that. */
export function textOf({ bytes, payloadAt }: Frame): string {
  const payload = Buffer.from(bytes.subarray(payloadAt));
  if ((bytes.readUInt8(1) & maskBit) !== 0) {
    const mask = bytes.subarray(payloadAt - 4, payloadAt);
    for (let at = 0; at < payload.length; at += 1)
      payload.writeUInt8(payload.readUInt8(at) ^ mask.readUInt8(at & 3), at);
  }
  return payload.toString("utf8");
}
