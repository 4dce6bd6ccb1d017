/**
 * [E16] The group's state around a commit: opened from what the commit sealed, taken over if its author may set it, and
 * the rules by which a commit is judged that follow from it [E4].
 */
import { base64 } from "@scure/base";
import type { CommitRules } from "../crypto/judge.ts";
import type { CryptoPort, HeldGroup } from "../crypto/port.ts";
import { decodeState, type GroupState } from "../group-state.ts";
import type { DocumentRecord } from "../store/key-records.ts";
import type { Reading } from "./reading.ts";
import { allowsState, type CommitEntry, newcomersIn, roleIn } from "./roster.ts";

export interface CommitBytes {
  commit: Uint8Array;
  sealedState: Uint8Array | null;
}

/** [E16] Null: it has to be asked for. A state that its author may not set is not taken over. */
export async function openedState(
  crypto: CryptoPort,
  reading: Reading,
  group: HeldGroup,
  entry: CommitEntry,
  { sealedState }: CommitBytes,
  hash: string,
): Promise<DocumentRecord | null> {
  if (reading.document?.hash === hash) return reading.document;
  if (sealedState === null) return null;
  const opened = await crypto.openState(group, { sealed: sealedState, hash: base64.decode(hash) });
  if (opened.failure !== null) return null;
  const before = groupStateOf(reading.document);
  const document = documentOf(reading, opened.value, hash);
  const after = groupStateOf(document);
  const commit = {
    committer: entry.sender.user_id,
    newcomers: newcomersIn(reading.record.members, entry.roster_change.add),
  };
  const isAllowed = before === null || (after !== null && allowsState(before, after, commit));
  return isAllowed ? document : reading.document;
}

/**
 * [E16] The state after a commit of somebody else, and its hash. Only owner and admins set a group's; whatever else a
 * commit signed, and however it is told afterwards, the state stays as it was. `document` null: it has to be asked for.
 */
export async function stateAfter(
  crypto: CryptoPort,
  reading: Reading,
  commit: { group: HeldGroup; isJoin: boolean; hash: string },
  entry: CommitEntry,
  bytes: CommitBytes,
): Promise<{ document: DocumentRecord | null; hash: string }> {
  const { record, document } = reading;
  const unchanged = { document, hash: record.stateHash ?? commit.hash };
  const isSame = commit.hash === record.stateHash;
  const mayNot = record.kind === "group" && !isSame && isMemberOnly(reading, entry.sender.user_id);
  if (commit.isJoin || mayNot) return unchanged;
  const opened = await openedState(crypto, reading, commit.group, entry, bytes, commit.hash);
  return opened === null || opened.hash === commit.hash ? { document: opened, hash: commit.hash } : unchanged;
}

function isMemberOnly({ record, document }: Reading, userId: string): boolean {
  const state = groupStateOf(document);
  if (state !== null) return roleIn(state, userId) === "member";
  return record.members.find((member) => member.userId === userId)?.role === "member";
}

export function documentOf({ record }: Reading, document: Uint8Array, hash: string | null): DocumentRecord {
  return { conversationId: record.conversationId, document, hash: hash ?? "" };
}

export function matching(document: DocumentRecord | null, hash: string | null): DocumentRecord | null {
  return document !== null && document.hash === hash ? document : null;
}

/** The random start of a document (32 bytes) is not part of its content. */
const documentHeadBytes = 32;

export function groupStateOf(document: DocumentRecord | null): GroupState | null {
  const state = document === null ? null : decodeState(document.document.subarray(documentHeadBytes));
  return state?.kind === "group" ? state : null;
}

export function rulesFor({ record, document }: Reading, group: HeldGroup, entry: CommitEntry): CommitRules {
  const state = groupStateOf(document);
  const users = [...new Set(group.devices.map((device) => device.user_id))];
  const roleOf = (userId: string) =>
    state === null
      ? (record.members.find((member) => member.userId === userId)?.role ?? "member")
      : roleIn(state, userId);
  // In a direct chat whoever has no device left is a member all the same; in a group its owner is, by the state or, as
  // long as a joiner has none, by the server's word as for every other role.
  const named = state === null ? record.members.map((it) => it.userId) : state.roles.map((it) => it.user_id);
  const members =
    record.kind === "direct"
      ? record.members.map((member) => member.userId)
      : named.filter((userId) => roleOf(userId) === "owner");
  return {
    kind: record.kind,
    roles: [...new Set([...users, ...members])].map((userId) => ({ userId, role: roleOf(userId) })),
    leavers: record.leavers,
    // [E14] The first commit of a member takes out all who had left: who came in after that takes the server's word for it.
    goneDevices: record.isUnaware === true ? entry.roster_change.remove : record.toRemove,
    roster: { add: entry.roster_change.add, remove: entry.roster_change.remove },
  };
}
