/**
 * Decides, in one transaction, what becomes of a batch of drafts [L1] [L2] [L3] [L4], in the one order that counts: id
 * lookup, then roster, then generation, epoch and position, then the rules of its kind, then the next seq and one row.
 * A refused entry spoils no neighbour.
 */
import type { ErrorCode, ErrorDetails } from "../../src/protocol/errors.ts";
import { type DeviceRef, deviceKey, messageIdTime } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { RateLimiter } from "../../src/protocol/rate-limiter.ts";
import type { Refusal } from "../rpc.ts";
import { changedIdentity } from "./changed-identity.ts";
import { refusalOfCommit, refusalOfFounding } from "./commit-rules.ts";
import type { Draft } from "./draft.ts";
import { entryHead, hasBody, idRows, insertEntry, type LoggedEntry } from "./log.ts";
import { activeDevice, deviceOf, devicesToRemove } from "./roster.ts";
import { mayJoin, refusalOfLeave } from "./roster-rules.ts";
import { type Head, type Identity, type Loaded, saveIdentity } from "./state.ts";

/** Sends of one connection stop at the first refusal until it says `proceed` [L7]. */
export interface Lane {
  isPaused: boolean;
}
export interface Pending {
  author: DeviceRef;
  draft: Draft;
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

interface Context {
  sql: SqlStorage;
  conversationId: string;
  loaded: Loaded;
  batch: Batch;
  /** Ids of this batch, which the cache learns only after the transaction. */
  fresh: Map<string, number>;
  now: number;
  rate: RateLimiter;
}

export function appendBatch(
  sql: SqlStorage,
  conversationId: string,
  loaded: Loaded,
  pending: readonly Pending[],
  now: number,
  rate: RateLimiter,
): Batch {
  const batch: Batch = { identity: loaded.identity, head: loaded.head, entries: [], decisions: [] };
  const context: Context = { sql, conversationId, loaded, batch, fresh: new Map(), now, rate };
  // Not the lane's own flag: what was queued before the queue was full is not what comes after that refusal [L7].
  const refusedHere = new Set<Lane>();
  for (const item of pending) {
    const decision = refusedHere.has(item.lane) ? refuse("after_refusal") : decide(context, item);
    if ("refused" in decision) {
      item.lane.isPaused = true;
      refusedHere.add(item.lane);
    }
    batch.decisions.push(decision);
  }
  if (batch.identity !== loaded.identity) saveIdentity(sql, batch.identity);
  return batch;
}

function decide(context: Context, { author, draft }: Pending): Decision {
  const { sql, loaded, batch, fresh, now } = context;
  // Whoever never was here learns nothing, and costs no scan.
  const wasHere = deviceOf(batch.identity.roster, author) !== undefined;
  if (!wasHere && !isJoining(batch.identity, author, draft)) return refuse("not_found");

  const { body } = draft;
  if (body === undefined) return refuse("bad_frame", { where: "envelope" });

  const key = `${draft.message_id}${deviceKey(author)}`;
  const known = fresh.get(key) ?? findInLog(sql, loaded, author, draft);
  if (known === "base_too_old") return refuse("base_too_old", { head: batch.head.seq });
  if (known !== undefined) return answerAgain(sql, known, draft, body);

  const refusal = refusalOf(context, author, draft) ?? refusalOfKind(context, author, draft);
  if (refusal !== undefined) return { refused: refusal };

  const seq = batch.head.seq + 1;
  const sentAt = Math.max(now, batch.head.sentAt);
  batch.entries.push(insertEntry(sql, { seq, sentAt, author }, draft, body));
  batch.head = { seq, messageId: draft.message_id, sentAt };
  fresh.set(key, seq);
  // [E2] Roster, epoch and what came along change in the transaction of the entry.
  if (draft.kind !== "message")
    batch.identity = changedIdentity(sql, batch.identity, author, draft, { seq, time: sentAt });
  return { accepted: { seq, sentAt } };
}

/** [L3] The id in memory, else in the log after `base_seq`. */
function findInLog(
  sql: SqlStorage,
  loaded: Loaded,
  author: DeviceRef,
  draft: Draft,
): number | "base_too_old" | undefined {
  const cached = loaded.recentIds.find(author, draft.message_id);
  if (cached !== undefined) return cached;
  if (loaded.head.seq - draft.base_seq > limits.baseDistanceMax) return "base_too_old";
  loaded.recentIds.reach(draft.base_seq, (after, upTo) => idRows(sql, after, upTo));
  return loaded.recentIds.find(author, draft.message_id);
}

/** [L3] A resend gets the first ack; another body under the id is a conflict. */
function answerAgain(sql: SqlStorage, seq: number, draft: Draft, body: Uint8Array): Decision {
  if (!hasBody(sql, seq, draft, body)) return refuse("id_conflict", { first_seq: seq });
  const head = entryHead(sql, seq);
  return { accepted: { seq, sentAt: head?.sent_at ?? 0 } };
}

/** What is asked of every entry. */
function refusalOf({ batch, now, rate }: Context, author: DeviceRef, draft: Draft): Refusal | undefined {
  const { identity, head } = batch;
  const isActive = activeDevice(identity.roster, author) !== undefined;
  if (!isActive && !isJoining(identity, author, draft)) return { code: "not_found", details: {} };
  if (messageIdTime(draft.message_id) > now + limits.messageIdAheadMsMax) {
    return { code: "bad_message_id", details: {} };
  }
  const refusal = refusalOfEpoch(batch, draft);
  if (refusal !== undefined) return refusal;
  if (draft.base_seq > head.seq) return { code: "beyond_head", details: { head: head.seq } };
  const waitMs = rate.take(deviceKey(author), now);
  return waitMs > 0 ? { code: "rate_limited", details: { retry_after_ms: waitMs } } : undefined;
}

/** [E3] The current generation and epoch only; a founding is a compare-and-set on the generation [E15]. */
function refusalOfEpoch({ identity, head }: Batch, draft: Draft): Refusal | undefined {
  const { epoch, generation } = identity;
  const isFounding = draft.kind === "commit" && draft.isFounding;
  if (isFounding && draft.generation <= generation) return { code: "already_founded", details: {} };
  const isCurrent = isFounding
    ? draft.generation === generation + 1
    : draft.generation === generation && draft.epoch === epoch;
  return isCurrent ? undefined : { code: "stale_epoch", details: { epoch, generation, head: head.seq } };
}

function refusalOfKind(context: Context, author: DeviceRef, draft: Draft): Refusal | undefined {
  const { sql, conversationId, batch } = context;
  const { identity } = batch;
  if (draft.kind === "leave") return refusalOfLeave(identity.roster, identity.kind, author);
  if (draft.kind === "message") {
    // [E14] Until they are out, whoever left would still be able to read along.
    const isDue = devicesToRemove(identity.roster).length > 0;
    return isDue ? { code: "commit_required", details: { head: batch.head.seq } } : undefined;
  }
  const claimed = { conversationId, identity, author, draft };
  return draft.isFounding ? refusalOfFounding(sql, claimed) : refusalOfCommit(sql, claimed);
}

/** A device of a member that is not in the roster may send one thing: the commit that adds it (E12). */
function isJoining(identity: Identity, author: DeviceRef, draft: Draft): boolean {
  return draft.kind === "commit" && mayJoin(identity.roster, author);
}

function refuse(code: ErrorCode, details: ErrorDetails = {}): Decision {
  return { refused: { code, details } };
}
