/**
 * What a device keeps, as plain values that both stores hold unchanged: no classes but Uint8Array, no undefined inside.
 * One writer only, the tab that leads; the others read. Keys have records of their own, key-records.ts.
 */

import type { Suite } from "../../mls-guard/leaf.ts";
import type { Position } from "../../protocol/entry.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { DeviceRef } from "../../protocol/ids.ts";
import type { Role } from "../../protocol/mls.ts";
import type { Content } from "../content.ts";
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
  /** [E9] How often each failure came, by its code: nothing else is counted, and nothing is sent anywhere. */
  failure_counts: Record<string, number>;
  /** This user's own profile, and its key. `isUploaded`: the server has it. */
  own_profile: { key: Uint8Array; name: string; picture: Uint8Array | null; isUploaded: boolean };
}
export type ValueRecord = { [K in keyof Values]: { key: K; value: Values[K] } }[keyof Values];

export interface MemberRecord {
  userId: string;
  role: Role;
  devices: number[];
  delivered: number;
  read: number;
}

export interface ConversationRecord {
  conversationId: string;
  kind: "direct" | "group";
  logId: string;
  generation: number;
  suite: Suite;
  /** As the server says; the group's own epoch is in its record. */
  epoch: number;
  /** False once this user left or was removed, and while this device waits to come in. */
  isMember: boolean;
  /** [E14] What the next commit must remove. */
  toRemove: DeviceRef[];
  /** Users who left by a statement that was verified, until they are out. */
  leavers: string[];
  /** [E12] It came in by itself, and no member has committed since: who had left before then it has not read. */
  isUnaware?: boolean;
  security: "ok" | "repairing" | "fork";
  /** [E13] H(seq) of the cursor, base64, and from where on H is known here; null while it is not known at all. */
  chain: { from: number; seq: number; hash: string } | null;
  /** [E16] Hash of the group's state as the last commit signed it, base64. */
  stateHash: string | null;
  /** Name of the group; null in a direct chat, and until the state is known. */
  name: string | null;
  /** [E9] When this device came in again, milliseconds, within the last hour. */
  rejoinedAtMs: number[];
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
  peerId: string | null;
  /** [E15] Of a further generation that this device founds: who is to be in it, until they are. */
  restToAdd?: string[] | undefined;
  /** [E7] A stranger founded this chat, and this user has not answered. */
  isRequest?: boolean | undefined;
  /** The profile's key goes before the next message. */
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
  /** [E13] H(seq), base64; null while it is not known. */
  hash: string | null;
  /** H(seq − 1), likewise. */
  before: string | null;
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
  /** In a notice, `who` are user ids: names are looked up when it is shown. */
  body: Message["body"];
  /** [D6] Equal to `seq` on what can count as unread, absent on everything else: the index of unread. */
  countedSeq?: number;
  /** [E20] With it the operator can check that the sender wrote this, should the user report it. Of others' messages. */
  k?: Uint8Array;
}

export interface OutboxRecord {
  conversationId: string;
  /** Order within the conversation. */
  position: number;
  messageId: string;
  silent: boolean;
  /** [E3] The exact bytes, base64, with the epoch they are for. Null until it is first sent, and after `stale_epoch`. */
  sealed: { generation: number; epoch: number; envelope: string } | null;
  /** To show the message, and to encrypt it again. */
  content: Content;
  createdAtMs: number;
  /** Refusals so far. A missing network is not one. */
  attempts: number;
  state: "pending" | "failed";
  failure: ErrorCode | null;
}
