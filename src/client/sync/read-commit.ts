/**
 * A commit from the log: adopted if it is one's own, judged and applied if it is another's, shown if it is the one this
 * device came in by [E2] [E4] [E8]. What it says of its log is compared with this device's [E13].
 */
import { base64 } from "@scure/base";
import { isEqual } from "../../mls-guard/bytes.ts";
import { deviceKey } from "../../protocol/ids.ts";
import type { Notice } from "../contract.ts";
import type { AcceptedCommit, CryptoPort, HeldGroup } from "../crypto/port.ts";
import type { MlsFailure } from "../mls/failures.ts";
import { bodyHash } from "../mls/hash-chain.ts";
import type { Change } from "../store/store.ts";
import {
  type CommitBytes,
  documentOf,
  groupStateOf,
  matching,
  openedState,
  rulesFor,
  stateAfter,
} from "./commit-state.ts";
import {
  type FollowUp,
  isSelf,
  type Need,
  nothingRead,
  parked,
  type ReadEntry,
  type Reading,
  type Self,
} from "./reading.ts";
import { type CommitEntry, noticeOf, roleIn, withRoster } from "./roster.ts";

export interface CommitReader {
  crypto: CryptoPort;
  self: Self;
  /** Needs that were looked after already, in vain or not: the entry is read as it is. */
  isSettled(need: Need): boolean;
  /** [E13] Whether what was signed agrees with the log here; true where it cannot be compared. */
  agrees(position: AcceptedCommit["position"]): Promise<boolean>;
}

export async function readCommitEntry(
  reader: CommitReader,
  reading: Reading,
  entry: CommitEntry,
  bytes: CommitBytes,
): Promise<ReadEntry | Need> {
  const { group, pending } = reading;
  if (pending !== null && isEqual(pending.made.hash, bodyHash(bytes.commit)))
    return await adopted(reader, reading, entry, bytes);
  const addsSelf = entry.roster_change.add.some((device) => isSelf(device, reader.self));
  const isOurs = group?.generation === entry.generation;
  if (addsSelf && isOurs && group.joinedEpoch === entry.epoch + 1)
    return await joinedBy(reader, reading, entry, bytes);
  if (isOurs && entry.epoch < group.joinedEpoch) return shownOnly(reading, entry, reader.self);
  const need: Need = { type: "welcome", seq: entry.seq };
  const isNewer = group === null || group.generation < entry.generation;
  if (addsSelf && isNewer && !isSelf(entry.sender, reader.self) && !reader.isSettled(need)) return need;
  if (!isOurs) return withoutKey(reading, entry, reader.self);
  return await applied(reader, reading, group, entry, bytes);
}

/** One's own commit, recognised by hash: what it changes is known from its making, not from the entry [E4]. */
async function adopted(
  reader: CommitReader,
  reading: Reading,
  logged: CommitEntry,
  bytes: CommitBytes,
): Promise<ReadEntry> {
  const { pending } = reading;
  if (pending === null) return nothingRead(reading);
  const entry = { ...logged, roster_change: pending.rosterChange };
  const signed = await reader.crypto.peekCommit(bytes.commit);
  const hash = signed === null ? reading.record.stateHash : base64.encode(signed.stateHash);
  const document = pending.document === null ? reading.document : documentOf(reading, pending.document, hash);
  const next = { ...reading, group: pending.made.next, pending: null, document: matching(document, hash) };
  const read = finished(reader, reading, next, entry, hash);
  const isWithoutState =
    pending.origin === "joiner" && next.document === null && reading.record.kind === "group";
  const asks: FollowUp[] = isWithoutState && hash !== null ? [{ type: "ask_for_state", hash }] : [];
  const isBack = reading.group !== null || reading.record.security === "repairing";
  const notice: Notice = { type: isBack ? "repaired" : "unconfirmed" };
  const { conversationId } = reading.record;
  // Roles of a state that was changed meanwhile would judge later commits wrongly.
  const forgotten: Change[] =
    next.document === null ? [{ table: "documents", remove: [conversationId] }] : [];
  return {
    ...read,
    body: pending.origin === "joiner" ? { type: "notice", notice } : read.body,
    changes: [...read.changes, { table: "pendingCommits", remove: [conversationId] }, ...forgotten],
    followUps: [...read.followUps, ...asks],
  };
}

/** The commit whose Welcome this device has taken. */
async function joinedBy(
  reader: CommitReader,
  reading: Reading,
  entry: CommitEntry,
  bytes: CommitBytes,
): Promise<ReadEntry> {
  const signed = await reader.crypto.peekCommit(bytes.commit);
  const { group } = reading;
  if (signed === null || group === null) return shownOnly(reading, entry, reader.self);
  const hash = base64.encode(signed.stateHash);
  const opened = await openedState(reader.crypto, reading, group, entry, bytes, hash);
  const { baseSeq, baseHash } = signed.position;
  // [E13] Whoever was added again starts anew: what it knew ends where it was removed.
  const chain =
    baseSeq === entry.seq - 1
      ? { from: entry.seq - 1, seq: entry.seq - 1, hash: base64.encode(baseHash) }
      : null;
  const record = { ...reading.record, chain: entry.seq === 1 ? null : chain };
  const next = { ...reading, record, document: opened };
  const read = finished(reader, { ...reading, record }, next, entry, hash);
  const asks: FollowUp[] = opened === null ? [{ type: "ask_for_state", hash }] : [];
  return { ...read, followUps: [...read.followUps, ...asks] };
}

async function applied(
  reader: CommitReader,
  reading: Reading,
  group: HeldGroup,
  entry: CommitEntry,
  bytes: CommitBytes,
): Promise<ReadEntry | Need> {
  const { seq, epoch, message_id: messageId, sender } = entry;
  const place = { seq, epoch, messageId, sender };
  const rules = rulesFor(reading, group, entry);
  const outcome = await reader.crypto.acceptCommit(group, {
    bytes: bytes.commit,
    place,
    rules,
    pending: null,
  });
  if (outcome.failure === "forbidden_change") {
    const need: Need = { type: "gone_devices", seq, devices: entry.roster_change.remove };
    if (need.devices.length > 0 && !reader.isSettled(need)) return need;
  }
  if (outcome.failure !== null) return unapplied(reader, reading, entry, outcome.failure);
  const accepted = outcome.value;
  if (!(await reader.agrees(accepted.position))) return unapplied(reader, reading, entry, "log_fork");
  if (accepted.outcome === "removed") return removed(reader, reading, entry);
  const { isJoin } = accepted;
  const signed = { group: accepted.group, isJoin, hash: base64.encode(accepted.stateHash) };
  const { document, hash } = await stateAfter(reader.crypto, reading, signed, entry, bytes);
  // [E2] What was pending has lost: it was for the epoch that ends here.
  const next = { ...reading, group: accepted.group, document, pending: null };
  const read = finished(reader, reading, next, entry, hash);
  const lost: Change[] =
    reading.pending === null ? [] : [{ table: "pendingCommits", remove: [reading.record.conversationId] }];
  const asks: FollowUp[] = document === null && !isJoin ? [{ type: "ask_for_state", hash }] : [];
  return { ...read, changes: [...read.changes, ...lost], followUps: [...read.followUps, ...asks] };
}

/** What the server must not have taken, and what no coming in again makes right. */
const stopping: readonly MlsFailure[] = ["log_fork", "forbidden_change", "not_two_users", "changed_identity"];

/** Accepted by the server, not by this device: its epoch ends here, and the repair brings it back in (E2, E9). */
function unapplied(
  reader: CommitReader,
  reading: Reading,
  entry: CommitEntry,
  failure: MlsFailure,
): ReadEntry {
  const isFork = stopping.includes(failure);
  const record = {
    ...withRoster(reading.record, entry, reader.self),
    security: isFork ? ("fork" as const) : ("repairing" as const),
  };
  const { seq, message_id: messageId, sender } = entry;
  const followUps: FollowUp[] = [{ type: "failed", failure, seq, messageId, sender }];
  return { ...parked({ ...reading, record }, failure), followUps };
}

function removed(reader: CommitReader, reading: Reading, entry: CommitEntry): ReadEntry {
  const record = { ...withRoster(reading.record, entry, reader.self), isMember: false };
  const notice = noticeOf(
    entry,
    { record: reading.record, state: groupStateOf(reading.document) },
    { record, state: null },
  );
  const next = { ...reading, record, group: null, pending: null };
  const changes: Change[] = [{ table: "pendingCommits", remove: [record.conversationId] }];
  return { ...nothingRead(next), changes, body: notice === null ? null : { type: "notice", notice } };
}

/** From before this device's first epoch: it tells who is in. */
function shownOnly(reading: Reading, entry: CommitEntry, self: Self): ReadEntry {
  const record = withRoster(reading.record, entry, self);
  const notice = noticeOf(entry, { record: reading.record, state: null }, { record, state: null });
  const body = notice === null ? null : { type: "notice" as const, notice };
  return { ...nothingRead({ ...reading, record }), body };
}

/** A generation, or a time, that this device has no key for. */
function withoutKey(reading: Reading, entry: CommitEntry, self: Self): ReadEntry {
  const shown = shownOnly(reading, entry, self);
  const { record } = shown.reading;
  const isLost = reading.group !== null && reading.group.generation < entry.generation;
  const followUps: FollowUp[] = record.isMember ? [{ type: "join_due" }] : [];
  return {
    ...shown,
    reading: { ...shown.reading, group: isLost ? null : reading.group },
    followUps,
  };
}

function isJoin({ epoch, roster_change: { add }, sender }: CommitEntry): boolean {
  return epoch > 0 && add.some((device) => deviceKey(device) === deviceKey(sender));
}

function finished(
  reader: CommitReader,
  before: Reading,
  after: Reading,
  entry: CommitEntry,
  hash: string | null,
): ReadEntry {
  const state = groupStateOf(after.document);
  const known = withRoster(before.record, entry, reader.self);
  const members =
    state === null ? known.members : known.members.map((it) => ({ ...it, role: roleIn(state, it.userId) }));
  const record = {
    ...known,
    members,
    suite: after.group?.suite ?? known.suite,
    stateHash: hash,
    name: state?.name ?? known.name,
    isMember: true,
    isUnaware: isJoin(entry) && (isSelf(entry.sender, reader.self) || known.isUnaware === true),
    security: known.security === "fork" && entry.epoch > 0 ? known.security : ("ok" as const),
  };
  const notice = noticeOf(
    entry,
    { record: before.record, state: groupStateOf(before.document) },
    { record, state },
  );
  const changes: Change[] =
    after.document === null || after.document === before.document
      ? []
      : [{ table: "documents", put: after.document }];
  const followUps: FollowUp[] =
    record.toRemove.length + record.leavers.length > 0 ? [{ type: "removal_due" }] : [];
  const body = notice === null ? null : { type: "notice" as const, notice };
  return { reading: { ...after, record }, body, changes, followUps };
}
