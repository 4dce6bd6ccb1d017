/**
 * [E1] [E20] What is encrypted: k (32 bytes) · the content's length (4) · the content · zeros, 256·2ⁿ bytes in all, so
 * a length says little. k is random; HMAC-SHA-256(k, content) stands in the authenticated data.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, uint32 } from "../../mls-guard/bytes.ts";
import { fail } from "./failures.ts";
import { randomBytes } from "./random.ts";

const unitBytes = 256;
const headBytes = 32 + 4;
export const paddedBytesMax = 64 * 1024;
export const contentBytesMax = paddedBytesMax - headBytes;

export function paddedLength(bytes: number): number {
  let length = unitBytes;
  while (length < bytes) length *= 2;
  return length;
}

export function seal(content: Uint8Array): { padded: Uint8Array; k: Uint8Array; commitment: Uint8Array } {
  if (content.length > contentBytesMax) fail("too_large");
  const k = randomBytes(32);
  const padded = new Uint8Array(paddedLength(headBytes + content.length));
  padded.set(concat(k, uint32(content.length), content));
  return { padded, k, commitment: commitmentOf(k, content) };
}

export function open(padded: Uint8Array): { content: Uint8Array; k: Uint8Array } {
  if (padded.length > paddedBytesMax || padded.length < unitBytes) fail("bad_padding");
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(32);
  const end = headBytes + length;
  if (end > padded.length || paddedLength(end) !== padded.length) fail("bad_padding");
  if (padded.subarray(end).some((byte) => byte !== 0)) fail("bad_padding");
  return { k: padded.slice(0, 32), content: padded.slice(headBytes, end) };
}

/** With content and k, which a report discloses, anybody can check what the sender signed. */
export function commitmentOf(k: Uint8Array, content: Uint8Array): Uint8Array {
  return hmac(sha256, k, content);
}
