/** A commit's roster change → the conversation's members, and what to show of it. Pure. */
import type { z } from "zod";
import type { commitEntrySchema } from "../../protocol/entry.ts";
import { type DeviceRef, deviceKey } from "../../protocol/ids.ts";
import type { Role } from "../../protocol/mls.ts";
import type { Notice } from "../contract.ts";
import type { GroupState } from "../group-state.ts";
import type { ConversationRecord, MemberRecord } from "../store/records.ts";
import type { Self } from "./reading.ts";

export type CommitEntry = z.infer<typeof commitEntrySchema>;

export function withRoster(record: ConversationRecord, entry: CommitEntry, self: Self): ConversationRecord {
  const { add, remove, roles = [] } = entry.roster_change;
  const isFounding = entry.epoch === 0;
  // A founding names everybody who is in; whoever it does not name is out.
  const before = isFounding ? record.members.map((member) => ({ ...member, devices: [] })) : record.members;
  const all = [...before, ...newcomersIn(before, add).map((userId) => newMember(userId, isFounding, entry))];
  const removed = new Set(remove.map(deviceKey));
  const members = all
    .map((member) => withDevices(member, add, removed))
    .map((member) => ({
      ...member,
      role: roles.find((it) => it.user_id === member.userId)?.role ?? member.role,
    }))
    .filter((member) => member.devices.length > 0 || staysWithout(record, member));
  const stays = (userId: string) => members.some((member) => member.userId === userId);
  return {
    ...record,
    generation: Math.max(record.generation, entry.generation),
    epoch:
      entry.generation >= record.generation
        ? Math.max(epochIn(record, entry), entry.epoch + 1)
        : record.epoch,
    members,
    isMember: stays(self.userId),
    toRemove: record.toRemove.filter((device) => !removed.has(deviceKey(device))),
    leavers: isFounding ? [] : record.leavers.filter(stays),
    isProfileDue: record.isProfileDue || add.some((device) => device.user_id !== self.userId),
  };
}

/** The two of a direct chat and a group's owner are members without any device, too: they come back with another. */
function staysWithout({ kind, leavers }: ConversationRecord, { role, userId }: MemberRecord): boolean {
  return kind === "direct" || (role === "owner" && !leavers.includes(userId));
}

function epochIn(record: ConversationRecord, entry: CommitEntry): number {
  return record.generation === entry.generation ? record.epoch : 0;
}

function newMember(userId: string, isFounding: boolean, entry: CommitEntry): MemberRecord {
  const role = isFounding && userId === entry.sender.user_id ? "owner" : "member";
  // [F8] What was said before they came gives no ticks.
  return { userId, role, devices: [], delivered: 0, read: 0 };
}

function withDevices(
  member: MemberRecord,
  add: readonly DeviceRef[],
  removed: ReadonlySet<string>,
): MemberRecord {
  const kept = member.devices.filter(
    (device) => !removed.has(deviceKey({ user_id: member.userId, device_id: device })),
  );
  const added = add.filter((device) => device.user_id === member.userId).map((device) => device.device_id);
  return { ...member, devices: [...new Set([...kept, ...added])] };
}

/** Users who are in by these devices, and were no members. */
export function newcomersIn(members: readonly MemberRecord[], add: readonly DeviceRef[]): string[] {
  return usersOf(add).filter((userId) => !members.some((member) => member.userId === userId));
}

export function usersOf(devices: readonly DeviceRef[]): string[] {
  return [...new Set(devices.map((device) => device.user_id))];
}

/** What a commit is shown as; null for one that changes nothing a person would ask about. `who` are user ids. */
export function noticeOf(
  entry: CommitEntry,
  before: { record: ConversationRecord; state: GroupState | null },
  after: { record: ConversationRecord; state: GroupState | null },
): Notice | null {
  if (entry.epoch === 0) return { type: entry.generation === 1 ? "founded" : "founded_again" };
  const wasIn = new Set(before.record.members.map((member) => member.userId));
  const isIn = new Set(after.record.members.map((member) => member.userId));
  const came = usersOf(entry.roster_change.add).filter((userId) => !wasIn.has(userId));
  if (came.length > 0) return { type: "members_added", who: came };
  const left = new Set(before.record.leavers);
  const gone = usersOf(entry.roster_change.remove).filter((userId) => !isIn.has(userId));
  const removed = gone.filter((userId) => !left.has(userId));
  if (removed.length > 0 && before.record.kind === "group") return { type: "members_removed", who: removed };
  const replaced = new Set(entry.roster_change.remove.map(deviceKey));
  const hasNewDevice = entry.roster_change.add.some((device) => !replaced.has(deviceKey(device)));
  return changedState(before.state, after.state) ?? (hasNewDevice ? { type: "device_joined" } : null);
}

function changedState(before: GroupState | null, after: GroupState | null): Notice | null {
  if (before === null || after === null) return null;
  if (before.name !== after.name) return { type: "renamed" };
  if (before.picture !== after.picture) return { type: "picture_changed" };
  for (const role of ["owner", "admin", "member"] as const) {
    const who = changedTo(role, before, after);
    if (who.length > 0) return { type: "role_changed", who, role };
  }
  return null;
}

function changedTo(role: Role, before: GroupState, after: GroupState): string[] {
  const users = [...before.roles, ...after.roles].map((it) => it.user_id);
  return [...new Set(users)].filter(
    (userId) => roleIn(after, userId) === role && roleIn(before, userId) !== role,
  );
}

export function roleIn(state: GroupState, userId: string): Role {
  return state.roles.find((it) => it.user_id === userId)?.role ?? "member";
}

/**
 * [E16] Whether the one who committed may change the state so. Name and picture are the admins', like the members.
 * Whoever comes in comes in as a member, whatever they were before they left: no more than that may be said of `newcomers`.
 */
export function allowsState(
  before: GroupState,
  after: GroupState,
  { committer, newcomers }: { committer: string; newcomers: readonly string[] },
): boolean {
  const own = roleIn(before, committer);
  const isSameLook = before.name === after.name && before.picture === after.picture;
  if (!isSameLook && own === "member") return false;
  const users = [...new Set([...before.roles, ...after.roles].map((it) => it.user_id))];
  const changed = users.filter((userId) => roleIn(before, userId) !== roleIn(after, userId));
  return changed.every((userId) => {
    if (own === "owner") return true;
    if (newcomers.includes(userId)) return own === "admin" && roleIn(after, userId) === "member";
    const isPromotion = roleIn(before, userId) === "member" && roleIn(after, userId) === "admin";
    return own === "admin" && isPromotion;
  });
}
