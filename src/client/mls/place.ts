/** [E13] Where an entry stands in this device's log, and whether what its sender signed agrees with that. */
import type { LogPosition } from "../../mls-guard/authenticated-data.ts";
import { isEqual } from "../../mls-guard/bytes.ts";
import type { DeviceRef } from "../../protocol/ids.ts";
import { fail } from "./failures.ts";

/** What the server says of the entry, and what this device knows of the log below it. */
export interface EntryPlace {
  seq: number;
  epoch: number;
  messageId: string;
  sender: DeviceRef;
  /** H of a position of one's own log; null where it is not known, as before this device joined. */
  hashAt(seq: number): Uint8Array | null;
}

/** Throws a Refusal. Asked before anything is decrypted or verified. */
export function checkClaim(signed: LogPosition, place: EntryPlace): void {
  if (signed.messageId !== place.messageId || signed.baseSeq >= place.seq) fail("wrong_position");
}

/**
 * Throws a Refusal; gives whether the sender's log could be compared. Asked after the signature was verified: else the
 * server could make anybody believe in a fork by changing a byte.
 */
export function compareLogs(signed: LogPosition, place: EntryPlace): boolean {
  const hash = place.hashAt(signed.baseSeq);
  if (hash === null) return false;
  if (!isEqual(hash, signed.baseHash)) fail("log_fork");
  return true;
}
