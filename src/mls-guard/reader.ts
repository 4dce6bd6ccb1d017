/**
 * Reads the presentation language of RFC 9420 within bounds. Never allocates by what a length field says: every vector
 * is a view of bytes that are there. Lengths must be minimal (2.1.2), so one value has one encoding.
 */
import { refuse } from "./refusal.ts";

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array, bytesMax: number = bytes.length) {
    if (bytes.length > bytesMax) refuse("too_large");
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get at(): number {
    return this.#at;
  }
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }
  uint16(): number {
    return this.#view.getUint16(this.#advance(2));
  }
  uint32(): number {
    return this.#view.getUint32(this.#advance(4));
  }
  /** Times and epochs; beyond 2^53 nothing of ours ever gets. */
  uint64(): number {
    const value = this.#view.getBigUint64(this.#advance(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) refuse("malformed");
    return Number(value);
  }

  bytes(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.#bytes.subarray(start, start + count);
  }

  /** opaque<V> */
  vector(bytesMax: number): Uint8Array {
    const length = this.#length();
    if (length > bytesMax) refuse("too_large");
    return this.bytes(length);
  }

  /** T<V>: items until the vector's end. */
  items<T>(bytesMax: number, countMax: number, read: (reader: Reader) => T): T[] {
    const reader = new Reader(this.vector(bytesMax));
    const items: T[] = [];
    while (!reader.isAtEnd) {
      if (items.length === countMax) refuse("too_large");
      items.push(read(reader));
    }
    return items;
  }

  optional<T>(read: (reader: Reader) => T): T | null {
    const presence = this.uint8();
    if (presence > 1) refuse("malformed");
    return presence === 1 ? read(this) : null;
  }

  slice(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from, to);
  }

  end(): void {
    if (!this.isAtEnd) refuse("malformed");
  }

  #length(): number {
    const first = this.uint8();
    const rest = first & 0x3f;
    if (first < 0x40) return rest;
    if (first < 0x80) {
      const length = (rest << 8) | this.uint8();
      return length < 0x40 ? refuse("malformed") : length;
    }
    if (first >= 0xc0) refuse("malformed");
    const length = (rest << 24) | (this.uint8() << 16) | this.uint16();
    return length < 0x4000 ? refuse("malformed") : length;
  }

  #advance(count: number): number {
    const start = this.#at;
    if (start + count > this.#bytes.length) refuse("malformed");
    this.#at = start + count;
    return start;
  }
}
