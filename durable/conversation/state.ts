/**
 * What a Conversation holds in memory: a cache of its rows, loaded when it wakes, replaced only after a transaction
 * has returned. `null` identity means the conversation was never founded, and then nothing is stored at all.
 */
import { base64urlnopad } from "@scure/base";
import type { Suite } from "../../src/mls-guard/leaf.ts";
import type { ConversationState } from "../../src/protocol/entry.ts";
import { lastEntryHead } from "./log.ts";
import type { PositionKey } from "./position.ts";
import { positionMac } from "./position.ts";
import { Progress } from "./progress.ts";
import { RecentIds } from "./recent-ids.ts";
import { devicesToRemove, type Roster } from "./roster.ts";

export interface Identity {
  kind: "direct" | "group";
  logId: string;
  formerLogIds: string[];
  generation: number;
  suite: Suite;
  /** Where the generation was founded. */
  foundedSeq: number;
  epoch: number;
  roster: Roster;
}
export interface Head {
  seq: number;
  messageId: string;
  sentAt: number;
}
export interface Loaded {
  identity: Identity;
  head: Head;
  recentIds: RecentIds;
  progress: Progress;
}

type IdentityRow = {
  kind: "direct" | "group";
  log_id: string;
  former_log_ids: string;
  generation: number;
  suite: Suite;
  founded_seq: number;
  epoch: number;
  roster: string;
};

export function newLogId(): string {
  return base64urlnopad.encode(crypto.getRandomValues(new Uint8Array(16)));
}

export function load(sql: SqlStorage): Loaded | null {
  const row = sql
    .exec<IdentityRow>(
      "SELECT kind, log_id, former_log_ids, generation, suite, founded_seq, epoch, roster FROM conversation",
    )
    .toArray()[0];
  const last = lastEntryHead(sql);
  if (row === undefined || last === undefined) return null;
  const identity: Identity = {
    kind: row.kind,
    logId: row.log_id,
    formerLogIds: JSON.parse(row.former_log_ids),
    generation: row.generation,
    suite: row.suite,
    foundedSeq: row.founded_seq,
    epoch: row.epoch,
    roster: JSON.parse(row.roster),
  };
  const packed = sql.exec<{ packed: string }>("SELECT packed FROM progress").toArray()[0]?.packed;
  return {
    identity,
    head: { seq: last.seq, messageId: last.message_id, sentAt: last.sent_at },
    recentIds: new RecentIds(last.seq),
    progress: Progress.load(packed, identity.roster, last.seq),
  };
}

export function saveIdentity(sql: SqlStorage, identity: Identity): void {
  sql.exec(
    "INSERT OR REPLACE INTO conversation (id, kind, log_id, former_log_ids, generation, suite, founded_seq, epoch, roster) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
    identity.kind,
    identity.logId,
    JSON.stringify(identity.formerLogIds),
    identity.generation,
    identity.suite,
    identity.foundedSeq,
    identity.epoch,
    JSON.stringify(identity.roster),
  );
}

export function saveProgress(sql: SqlStorage, loaded: Loaded): void {
  sql.exec(
    "INSERT OR REPLACE INTO progress (id, packed) VALUES (1, ?)",
    loaded.progress.pack(loaded.identity.roster),
  );
}

const formerLogIdsKept = 100;

/**
 * [L5] The log was restored: it gets another name before it accepts anything. The name that the evidence bore is
 * explained by that too, or every further device that knew it would have the log renamed once more.
 */
export function renamed(identity: Identity, evidenceLogId: string): Identity {
  const names = new Set([...identity.formerLogIds, evidenceLogId, identity.logId]);
  const formerLogIds = [...names].slice(-formerLogIdsKept);
  return { ...identity, formerLogIds, logId: newLogId() };
}

/** What a member's device may know; `first_seq` is null for a device that has to commit itself in first. */
export function describe(
  conversationId: string,
  loaded: Loaded,
  firstSeq: number | null,
  key: PositionKey,
): ConversationState {
  const { identity, head, progress } = loaded;
  return {
    conversation_id: conversationId,
    kind: identity.kind,
    log_id: identity.logId,
    generation: identity.generation,
    suite: identity.suite,
    epoch: identity.epoch,
    head: head.seq,
    last_activity_at: head.sentAt,
    first_seq: firstSeq,
    members: identity.roster
      .filter((member) => member.left_seq === undefined)
      .map((member) => ({
        user_id: member.user_id,
        role: member.role,
        joined_seq: member.joined_seq,
        joined_at: member.joined_at,
        devices: member.devices.filter((device) => device.left_seq === undefined).map((device) => device.id),
        delivered: progress.watermark(member.user_id).delivered,
        read: progress.watermark(member.user_id).read,
      })),
    to_remove: devicesToRemove(identity.roster),
    position: {
      log_id: identity.logId,
      seq: head.seq,
      message_id: head.messageId,
      mac: positionMac(key, identity.logId, head.seq, head.messageId),
    },
  };
}
