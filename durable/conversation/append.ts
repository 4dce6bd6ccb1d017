/**
 * Decides, in one transaction, what becomes of a batch of submissions [L1] [L2] [L3] [L4], in the one order that counts:
 * id lookup, then roster, then epoch and position, then the next seq and one row. A refused entry spoils no neighbour.
 */
import type { ErrorCode, ErrorDetails } from "../../src/protocol/errors.ts";
import { type DeviceRef, deviceKey, messageIdTime } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { RateLimiter } from "../rate.ts";
import type { Refusal, Submission } from "../rpc.ts";
import { decodedBody, entryHead, hasBody, idRows, insertEntry, type LoggedEntry } from "./log.ts";
import { activeDevice, changedRoster, deviceOf, mayChangeDirect, memberOf } from "./roster.ts";
import { type Head, type Identity, type Loaded, saveIdentity } from "./state.ts";

/** Sends of one connection stop at the first refusal until it says `proceed` [L7]. */
export interface Lane {
  isPaused: boolean;
}
export interface Pending {
  author: DeviceRef;
  submission: Submission;
  lane: Lane;
}
export type Decision = { accepted: { seq: number; sentAt: number } } | { refused: Refusal };

/** What a batch would make of the conversation. It counts once the transaction has returned. */
export interface Batch {
  identity: Identity;
  head: Head;
  entries: LoggedEntry[];
  decisions: Decision[];
}

export function appendBatch(
  sql: SqlStorage,
  loaded: Loaded,
  pending: readonly Pending[],
  now: number,
  rate: RateLimiter,
): Batch {
  const batch: Batch = { identity: loaded.identity, head: loaded.head, entries: [], decisions: [] };
  // Ids of this batch, which the cache learns only after the transaction.
  const fresh = new Map<string, number>();
  // Not the lane's own flag: what was queued before the queue was full is not what comes after that refusal [L7].
  const refusedHere = new Set<Lane>();
  for (const item of pending) {
    const decision = refusedHere.has(item.lane)
      ? refuse("after_refusal")
      : decide(sql, loaded, batch, fresh, item, now, rate);
    if ("refused" in decision) {
      item.lane.isPaused = true;
      refusedHere.add(item.lane);
    }
    batch.decisions.push(decision);
  }
  if (batch.identity !== loaded.identity) saveIdentity(sql, batch.identity);
  return batch;
}

function decide(
  sql: SqlStorage,
  loaded: Loaded,
  batch: Batch,
  fresh: Map<string, number>,
  { author, submission }: Pending,
  now: number,
  rate: RateLimiter,
): Decision {
  // Whoever never was here learns nothing, and costs no scan.
  const wasHere = deviceOf(batch.identity.roster, author) !== undefined;
  if (!wasHere && !isJoining(batch.identity, author, submission)) return refuse("not_found");

  // What does not decode must not throw inside the transaction: it would take its neighbours with it [L2].
  const body = decodedBody(submission.envelope);
  if (body === undefined) return refuse("bad_frame", { where: "envelope" });

  const key = `${submission.message_id}${deviceKey(author)}`;
  const known = fresh.get(key) ?? findInLog(sql, loaded, author, submission);
  if (known === "base_too_old") return refuse("base_too_old", { head: batch.head.seq });
  if (known !== undefined) return answerAgain(sql, known, submission, body);

  const refusal = refusalOf(batch, author, submission, now, rate);
  if (refusal !== undefined) return { refused: refusal };

  const seq = batch.head.seq + 1;
  const sentAt = Math.max(now, batch.head.sentAt);
  batch.entries.push(insertEntry(sql, { seq, sentAt, author }, submission, body));
  batch.head = { seq, messageId: submission.message_id, sentAt };
  fresh.set(key, seq);
  if (submission.roster_change !== undefined) {
    const roster = changedRoster(batch.identity.roster, submission.roster_change, seq);
    batch.identity = { ...batch.identity, epoch: batch.identity.epoch + 1, roster };
  }
  return { accepted: { seq, sentAt } };
}

/** [L3] The id in memory, else in the log after `base_seq`. */
function findInLog(
  sql: SqlStorage,
  loaded: Loaded,
  author: DeviceRef,
  submission: Submission,
): number | "base_too_old" | undefined {
  const cached = loaded.recentIds.find(author, submission.message_id);
  if (cached !== undefined) return cached;
  if (loaded.head.seq - submission.base_seq > limits.baseDistanceMax) return "base_too_old";
  loaded.recentIds.reach(submission.base_seq, (after, upTo) => idRows(sql, after, upTo));
  return loaded.recentIds.find(author, submission.message_id);
}

/** [L3] A resend gets the first ack; another body under the id is a conflict. */
function answerAgain(sql: SqlStorage, seq: number, submission: Submission, body: Uint8Array): Decision {
  if (!hasBody(sql, seq, submission, body)) return refuse("id_conflict", { first_seq: seq });
  const head = entryHead(sql, seq);
  return { accepted: { seq, sentAt: head?.sent_at ?? 0 } };
}

function refusalOf(
  batch: Batch,
  author: DeviceRef,
  submission: Submission,
  now: number,
  rate: RateLimiter,
): Refusal | undefined {
  const { identity, head } = batch;
  const isActive = activeDevice(identity.roster, author) !== undefined;
  if (!isActive && !isJoining(identity, author, submission)) return { code: "not_found", details: {} };
  if (messageIdTime(submission.message_id) > now + limits.messageIdAheadMsMax) {
    return { code: "bad_message_id", details: {} };
  }
  if (submission.epoch !== identity.epoch) {
    return { code: "stale_epoch", details: { epoch: identity.epoch, head: head.seq } };
  }
  if (submission.base_seq > head.seq) return { code: "beyond_head", details: { head: head.seq } };
  if (
    submission.roster_change !== undefined &&
    !mayChangeDirect(identity.roster, author, submission.roster_change)
  ) {
    return { code: "bad_roster", details: {} };
  }
  const waitMs = rate.take(deviceKey(author), now);
  return waitMs > 0 ? { code: "rate_limited", details: { retry_after_ms: waitMs } } : undefined;
}

/** A device of a member that is not in the roster may send one thing: the commit that adds it (E12). */
function isJoining(identity: Identity, author: DeviceRef, submission: Submission): boolean {
  const member = memberOf(identity.roster, author.user_id);
  return (
    submission.roster_change !== undefined &&
    member !== undefined &&
    member.left_seq === undefined &&
    deviceOf(identity.roster, author) === undefined
  );
}

function refuse(code: ErrorCode, details: ErrorDetails = {}): Decision {
  return { refused: { code, details } };
}
