/**
 * [E4] [E16] Whether a member lets a commit pass: the server's word on the roster must be what the commit does, and the
 * committer's role must allow it. Pure and plain, so that it can cross to a worker and serves every engine alike.
 */
import { type DeviceRef, deviceKey } from "../../protocol/ids.ts";
import type { Role } from "../../protocol/mls.ts";
import type { ChatKind } from "./port.ts";

export interface CommitRules {
  kind: ChatKind;
  /** As of the entry before. Users not named are no members. */
  roles: { userId: string; role: Role }[];
  /** Users who left, by a verified statement, and devices the server says are gone: anybody may remove them (E14). */
  leavers: string[];
  goneDevices: DeviceRef[];
  /** What the entry says; for a joiner, `add` is itself. */
  roster: { add: DeviceRef[]; remove: DeviceRef[] };
}

export interface JudgedChange {
  committer: DeviceRef;
  added: readonly DeviceRef[];
  removed: readonly DeviceRef[];
  isJoin: boolean;
}

export function allowsCommit(rules: CommitRules, change: JudgedChange): boolean {
  const { committer, added, removed, isJoin } = change;
  if (!isSameSet(isJoin ? [committer] : added, rules.roster.add)) return false;
  // A joiner takes out its own old leaf, too.
  if (!isSameSet(removed, rules.roster.remove)) return false;
  if (roleOf(rules, committer.user_id) === null) return false;
  return (
    added.every((device) => mayAdd(rules, committer, device)) &&
    removed.every((device) => mayRemove(rules, committer, device))
  );
}

function mayAdd(rules: CommitRules, committer: DeviceRef, device: DeviceRef): boolean {
  if (device.user_id === committer.user_id) return true;
  // In a direct chat both are members for good: whoever is still there brings the other back.
  if (rules.kind === "direct") return roleOf(rules, device.user_id) !== null;
  return isAdmin(rules, committer.user_id);
}

function mayRemove(rules: CommitRules, committer: DeviceRef, device: DeviceRef): boolean {
  if (device.user_id === committer.user_id) return true;
  if (rules.leavers.includes(device.user_id) || has(rules.goneDevices, device)) return true;
  if (rules.kind === "direct" || !isAdmin(rules, committer.user_id)) return false;
  const removed = roleOf(rules, device.user_id);
  if (removed === "owner") return false;
  return removed !== "admin" || roleOf(rules, committer.user_id) === "owner";
}

function roleOf(rules: CommitRules, userId: string): Role | null {
  return rules.roles.find((member) => member.userId === userId)?.role ?? null;
}
function isAdmin(rules: CommitRules, userId: string): boolean {
  const role = roleOf(rules, userId);
  return role === "owner" || role === "admin";
}
function has(devices: readonly DeviceRef[], device: DeviceRef): boolean {
  return devices.some((known) => deviceKey(known) === deviceKey(device));
}
/** A device named twice is never the same: it would stand in for one that is left out. */
function isSameSet(one: readonly DeviceRef[], other: readonly DeviceRef[]): boolean {
  const keys = new Set(one.map(deviceKey));
  const others = new Set(other.map(deviceKey));
  if (keys.size !== one.length || others.size !== other.length) return false;
  return keys.size === others.size && [...keys].every((key) => others.has(key));
}
