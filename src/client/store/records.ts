/**
 * What a device keeps, as plain values that both stores hold unchanged: no classes, no undefined inside, no bytes.
 * One writer only, the tab that leads; the others read.
 */

import type { Position } from "../../protocol/entry.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { TextContent } from "../content.ts";
import type { Message } from "../contract.ts";

export interface SessionRecord {
  userId: string;
  deviceId: number;
  /** E.164. */
  phone: string;
  name: string;
  accessToken: string;
  accessExpiresAtMs: number;
  refreshToken: string;
}

/** Single values, by key. */
export interface Values {
  session: SessionRecord;
  /** Whose data this is, also while signed out: another user's log-in wipes it. */
  owner: { userId: string; deviceId: number };
  installation_id: string;
  /** The Inbox's store the cursors were last compared with [L5]. */
  inbox_store_id: string;
  /** A log-out that the server has not heard of yet. */
  pending_logout: SessionRecord;
}
export type ValueRecord = { [K in keyof Values]: { key: K; value: Values[K] } }[keyof Values];

export interface MemberRecord {
  userId: string;
  role: "owner" | "admin" | "member";
  devices: number[];
  delivered: number;
  read: number;
}

export interface ConversationRecord {
  conversationId: string;
  kind: "direct" | "group";
  logId: string;
  generation: number;
  epoch: number;
  /** Highest seq heard of. */
  head: number;
  /** First seq this device may read. */
  firstSeq: number;
  /** [D3] Last seq up to which the log is held without a gap; `firstSeq − 1` at first, then without an id. */
  cursor: { seq: number; messageId: string | null };
  /** Last position at or below the cursor that came with the Conversation's MAC: what a resume may claim [L5]. */
  proven: Position | null;
  /** Highest seq held beyond the cursor: own messages whose `accepted` came before what lies below them. */
  heldTo: number;
  /** [L5] Set after the log was replaced, until `to` is reached: local messages that it lost are kept and marked. */
  resync: { to: number; hasNotice: boolean } | null;
  members: MemberRecord[];
  ownRead: number;
  /** [R3] `ownRead` is repeated until this covers it. */
  ownReadConfirmed: number;
  peer: { userId: string | null; name: string | null; phone: string | null };
  /** The next message carries the profile. */
  isProfileDue: boolean;
  lastActivityMs: number;
}

/** One entry as it came. `raw` is the protocol's entry, or what came in its place [D8]. */
export interface EntryRecord {
  conversationId: string;
  seq: number;
  logId: string;
  messageId: string;
  raw: unknown;
}

/** What is shown of an entry. `sub` is 0; above 0 for what stands after `seq` without being in the log [L5]. */
export interface MessageRecord {
  conversationId: string;
  seq: number;
  sub: number;
  logId: string;
  messageId: string;
  senderId: string;
  sentAtMs: number;
  body: Message["body"];
  /** [D6] Equal to `seq` on what can count as unread, absent on everything else: the index of unread. */
  countedSeq?: number;
}

export interface OutboxRecord {
  conversationId: string;
  /** Order within the conversation. */
  position: number;
  messageId: string;
  epoch: number;
  /** The cursor when `envelope` was made. Never changes with it; what a resend names may be higher [L3]. */
  baseSeq: number;
  silent: boolean;
  /** [E3] The exact bytes, base64. */
  envelope: string;
  /** To show the message, and to encrypt it again after `stale_epoch`. */
  content: TextContent;
  createdAtMs: number;
  /** Refusals so far. A missing network is not one. */
  attempts: number;
  state: "pending" | "failed";
  failure: ErrorCode | null;
}
