/**
 * [E13] This device's H over a log. It is known from the start of a conversation, from the commit that added this device,
 * or from the first verified message of somebody who knows it; a device that comes in anew starts anew.
 */
import { base64, base64urlnopad } from "@scure/base";
import { isEqual } from "../mls-guard/bytes.ts";
import type { ReceivedEntry } from "./connection/frames.ts";
import type { Position } from "./crypto/port.ts";
import { bodyHash, chainStart, nextChainHash } from "./mls/hash-chain.ts";
import type { ConversationRecord } from "./store/records.ts";

export type Chain = ConversationRecord["chain"];

/** H of an entry after `before`; null where it is of a kind, or in a form, that this version cannot hash. */
export function hashAfter(before: Uint8Array, entry: ReceivedEntry): Uint8Array | null {
  try {
    const hash = bodyHashOf(entry);
    if (hash === null) return null;
    return nextChainHash(before, {
      seq: entry.seq,
      sentAt: entry.sent_at,
      sender: entry.sender,
      messageId: entry.message_id,
      bodyHash: hash,
    });
  } catch {
    // Base64 that is not canonical: another spelling of the same body would be another entry to somebody else.
    return null;
  }
}

function bodyHashOf(entry: ReceivedEntry): Uint8Array | null {
  if (entry.kind === "unknown") return null;
  if (entry.kind === "skip") return base64.decode(entry.body_hash);
  if (typeof entry.envelope !== "string") return base64urlnopad.decode(entry.envelope.hash);
  return bodyHash(base64.decode(entry.envelope));
}

export function startOf(conversationId: string): Uint8Array {
  return chainStart(conversationId);
}

/** The chain one entry on; from the start of the log if this is its first. */
export function chainAfter(chain: Chain, entry: ReceivedEntry, conversationId: string): Chain {
  const before =
    entry.seq === 1
      ? chainStart(conversationId)
      : chain?.seq === entry.seq - 1
        ? base64.decode(chain.hash)
        : null;
  const hash = before === null ? null : hashAfter(before, entry);
  if (hash === null) return null;
  return { from: entry.seq === 1 ? 0 : (chain?.from ?? 0), seq: entry.seq, hash: base64.encode(hash) };
}

/** What to sign for a device whose cursor is `seq`: the log's start where H is not known, which holds for everybody. */
export function signedBase(
  record: Pick<ConversationRecord, "chain" | "cursor" | "conversationId">,
): Pick<Position, "baseSeq" | "baseHash"> {
  const { chain, cursor, conversationId } = record;
  if (chain === null || chain.seq !== cursor.seq) return { baseSeq: 0, baseHash: chainStart(conversationId) };
  return { baseSeq: chain.seq, baseHash: base64.decode(chain.hash) };
}

export function isSameHash(known: string, signed: Uint8Array): boolean {
  return isEqual(base64.decode(known), signed);
}
