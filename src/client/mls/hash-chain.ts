/**
 * [E13] H(s) = SHA-256(H(s−1) ‖ s ‖ sent_at ‖ device ‖ message_id ‖ SHA-256(body)). Two devices that hold the same H
 * hold the same log up to there. An erased body keeps its hash, so the chain survives erasure.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { base64urlnopad } from "@scure/base";
import { messageIdBytes } from "../../mls-guard/authenticated-data.ts";
import { concat, uint32, uint64 } from "../../mls-guard/bytes.ts";
import { userIdBytes } from "../../mls-guard/credential.ts";
import type { DeviceRef } from "../../protocol/ids.ts";

export interface ChainedEntry {
  seq: number;
  /** Milliseconds since 1970, the server's clock. */
  sentAt: number;
  sender: DeviceRef;
  messageId: string;
  bodyHash: Uint8Array;
}

/** H(0). */
export function chainStart(conversationId: string): Uint8Array {
  return sha256(concat(new TextEncoder().encode("kittiwake/1/log"), base64urlnopad.decode(conversationId)));
}

export function nextChainHash(before: Uint8Array, entry: ChainedEntry): Uint8Array {
  const { seq, sentAt, sender, messageId, bodyHash } = entry;
  const device = concat(userIdBytes(sender.user_id), uint32(sender.device_id));
  return sha256(concat(before, uint64(seq), uint64(sentAt), device, messageIdBytes(messageId), bodyHash));
}

export function bodyHash(body: Uint8Array): Uint8Array {
  return sha256(body);
}
