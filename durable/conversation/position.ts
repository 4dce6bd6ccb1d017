/**
 * [L5] The Conversation's MAC over a position (log_id, seq, message_id). A claim of a position the log does not
 * contain is evidence of a restored log only with it: nobody can make others resync by lying.
 * The key follows from the server's secret and the conversation's id, so a restored object still knows it.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64urlnopad } from "@scure/base";
import type { Position } from "../../src/protocol/entry.ts";

const macBytes = 16;
const encoder = new TextEncoder();

/** HMAC that has taken its key in, once per object: each MAC starts from a copy. */
export type PositionKey = ReturnType<typeof hmac.create>;

export function positionKey(serverSecret: string, conversationId: string): PositionKey {
  const label = encoder.encode(`kittiwake/1/position/${conversationId}`);
  return hmac.create(sha256, hmac(sha256, encoder.encode(serverSecret), label));
}

/** 16 bytes in base64url. */
export function positionMac(key: PositionKey, logId: string, seq: number, messageId: string): string {
  const mac = key
    .clone()
    .update(encoder.encode(`${logId}/${seq}/${messageId}`))
    .digest();
  return base64urlnopad.encode(mac.subarray(0, macBytes));
}

export function isGenuine(key: PositionKey, position: Position): boolean {
  const expected = positionMac(key, position.log_id, position.seq, position.message_id);
  let difference = expected.length ^ position.mac.length;
  for (let i = 0; i < expected.length; i++) difference |= expected.charCodeAt(i) ^ position.mac.charCodeAt(i);
  return difference === 0;
}
