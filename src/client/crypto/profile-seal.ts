/** A user's profile under its random key: padded, bound to the user, so that it cannot pass for another's. */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { concat, uint32 } from "../../mls-guard/bytes.ts";
import { paddedLength } from "../mls/padding.ts";
import { randomBytes } from "../mls/random.ts";

const nonceBytes = 24;
const lengthBytes = 4;

export function sealProfile(key: Uint8Array, userId: string, content: Uint8Array): Uint8Array {
  const padded = new Uint8Array(paddedLength(lengthBytes + content.length));
  padded.set(concat(uint32(content.length), content));
  const nonce = randomBytes(nonceBytes);
  return concat(nonce, xchacha20poly1305(key, nonce, boundTo(userId)).encrypt(padded));
}

export function openProfile(key: Uint8Array, userId: string, sealed: Uint8Array): Uint8Array | null {
  try {
    const cipher = xchacha20poly1305(key, sealed.subarray(0, nonceBytes), boundTo(userId));
    const padded = cipher.decrypt(sealed.subarray(nonceBytes));
    const end = lengthBytes + new DataView(padded.buffer, padded.byteOffset).getUint32(0);
    return end > padded.length ? null : padded.slice(lengthBytes, end);
  } catch {
    return null;
  }
}

function boundTo(userId: string): Uint8Array {
  return new TextEncoder().encode(`kittiwake/1/profile ${userId}`);
}
