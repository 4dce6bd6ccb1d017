/** The server's state of a conversation → this device's record of it. Pure; watermarks only rise [R1]. */
import type { ConversationState, Position, Watermark } from "../../protocol/entry.ts";
import type { ConversationRecord, MemberRecord } from "../store/records.ts";

/** A conversation this device sees for the first time. `firstSeq` is where its reading begins. */
export function newRecord(state: ConversationState, firstSeq: number, ownUserId: string): ConversationRecord {
  const own = state.members.find((member) => member.user_id === ownUserId);
  return {
    conversationId: state.conversation_id,
    kind: state.kind,
    logId: state.log_id,
    generation: state.generation,
    suite: state.suite,
    epoch: state.epoch,
    isMember: own !== undefined,
    toRemove: state.to_remove,
    leavers: [],
    security: "ok",
    chain: null,
    stateHash: null,
    name: null,
    rejoinedAtMs: [],
    head: state.head,
    firstSeq,
    cursor: { seq: firstSeq - 1, messageId: null },
    proven: null,
    heldTo: 0,
    resync: null,
    members: membersOf(state),
    ownRead: own?.read ?? 0,
    // [R3] A state may show a mark that is not durable yet.
    ownReadConfirmed: 0,
    peerId: peerIdOf(state, ownUserId),
    isProfileDue: true,
    lastActivityMs: state.last_activity_at,
  };
}

/** The same log, seen again. */
export function withState(
  record: ConversationRecord,
  state: ConversationState,
  ownUserId: string,
): ConversationRecord {
  const updated: ConversationRecord = {
    ...record,
    ...(state.head < record.cursor.seq ? {} : rosterOf(record, state)),
    head: Math.max(record.head, state.head),
    lastActivityMs: Math.max(record.lastActivityMs, state.last_activity_at),
    peerId: record.peerId ?? peerIdOf(state, ownUserId),
  };
  const rejoined = state.first_seq !== null && state.first_seq > record.cursor.seq + 1;
  const placed = rejoined && state.first_seq !== null ? startingAt(updated, state.first_seq) : updated;
  return withWatermarks(placed, asWatermarks(state), ownUserId);
}

/** Of a state that is no older than the commits this device has read: an answer may have been overtaken by entries. */
function rosterOf(record: ConversationRecord, state: ConversationState): Partial<ConversationRecord> {
  return {
    generation: Math.max(record.generation, state.generation),
    epoch: state.generation > record.generation ? state.epoch : Math.max(record.epoch, state.epoch),
    toRemove: state.to_remove,
    members: membersOf(state).map((member) => raised(member, record.members)),
    // Nobody else is told.
    isMember: true,
  };
}

/**
 * [L5] The log was replaced: the cursor is dropped and everything is read once more, while local messages stay.
 * `state` is of the new log.
 */
export function withNewLog(
  record: ConversationRecord,
  state: ConversationState,
  ownUserId: string,
): ConversationRecord {
  const fresh = newRecord(state, state.first_seq ?? 1, ownUserId);
  // [E13] Another log is no answer to a fork. [E14] Who left is read again: where the statement was lost with the log,
  // the server knows a member, whom nobody could take out for having left.
  const { peerId, stateHash, name, rejoinedAtMs, security, isRequest } = record;
  const kept = { peerId, stateHash, name, rejoinedAtMs, security, isRequest };
  return { ...fresh, ...kept, resync: { to: state.head, hasNotice: false } };
}

/**
 * What lies below `firstSeq` is not for this device: reading goes on there. [E14] Who had left by then is out, or, like
 * oneself, has been brought back.
 */
export function startingAt(record: ConversationRecord, firstSeq: number): ConversationRecord {
  return {
    ...record,
    firstSeq,
    leavers: [],
    cursor: { seq: firstSeq - 1, messageId: null },
    proven: null,
    chain: null,
  };
}

/** [R1] Monotonic, read implies delivered; one's own read mark may come from another of one's devices. */
export function withWatermarks(
  record: ConversationRecord,
  watermarks: readonly Watermark[],
  ownUserId: string,
): ConversationRecord {
  const members = record.members.map((member) => {
    const mark = watermarks.find((candidate) => candidate.user_id === member.userId);
    if (mark === undefined) return member;
    const read = Math.max(member.read, mark.read);
    return { ...member, read, delivered: Math.max(member.delivered, mark.delivered, read) };
  });
  const own = watermarks.find((mark) => mark.user_id === ownUserId)?.read ?? 0;
  // [R3] Only `read_confirmed` says that one's own mark is durable: receipts go out before it is.
  return { ...record, members, ownRead: Math.max(record.ownRead, own) };
}

/**
 * [R3] A log that was restored without losing entries is still the same log, and yet may have forgotten a mark that it
 * had confirmed: then it is repeated. Null when there is nothing to repeat.
 */
export function withDoubt(
  record: ConversationRecord,
  state: ConversationState,
  ownUserId: string,
): ConversationRecord | null {
  const own = state.members.find((member) => member.user_id === ownUserId);
  if (own === undefined || state.log_id !== record.logId || own.read >= record.ownReadConfirmed) return null;
  return { ...record, ownReadConfirmed: own.read };
}

/** What a resume may claim: the highest position with a MAC that does not lie beyond the cursor. */
export function withProof(record: ConversationRecord, position: Position): ConversationRecord {
  const isHeld = position.log_id === record.logId && position.seq <= record.cursor.seq;
  const isNewer = record.proven === null || position.seq > record.proven.seq;
  return isHeld && isNewer ? { ...record, proven: position } : record;
}

function membersOf(state: ConversationState): MemberRecord[] {
  return state.members.map((member) => ({
    userId: member.user_id,
    role: member.role,
    devices: member.devices,
    delivered: Math.max(member.delivered, member.read),
    read: member.read,
  }));
}

function raised(member: MemberRecord, known: readonly MemberRecord[]): MemberRecord {
  const before = known.find((candidate) => candidate.userId === member.userId);
  if (before === undefined) return member;
  return {
    ...member,
    delivered: Math.max(member.delivered, before.delivered),
    read: Math.max(member.read, before.read),
  };
}

function asWatermarks(state: ConversationState): Watermark[] {
  return state.members.map(({ user_id, delivered, read }) => ({ user_id, delivered, read }));
}

function peerIdOf(state: ConversationState, ownUserId: string): string | null {
  if (state.kind !== "direct") return null;
  return state.members.find((member) => member.user_id !== ownUserId)?.user_id ?? null;
}
