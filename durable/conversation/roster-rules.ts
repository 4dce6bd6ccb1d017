/**
 * Who may make which change of members, devices and roles. Members touch their own devices; owner and admins add and
 * remove members; only the owner removes or demotes admins and hands over; nobody removes the owner, so a group never
 * has zero owners. In a direct chat both are members, and neither can bring in anybody else.
 */
import type { ErrorCode } from "../../src/protocol/errors.ts";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { RosterChange } from "../../src/protocol/mls.ts";
import type { Refusal } from "../rpc.ts";
import {
  activeDevice,
  deviceOf,
  devicesToRemove,
  isActive,
  type Kind,
  leavesOf,
  presentMember,
  type Roster,
} from "./roster.ts";
import { changedRoster } from "./roster-change.ts";

interface Change {
  roster: Roster;
  kind: Kind;
  author: DeviceRef;
  change: RosterChange;
  /** The author comes in by an external commit. */
  isJoin: boolean;
}

/** Why the change is refused, or undefined. */
export function refusalOfChange(made: Change): Refusal | undefined {
  const { roster, kind, change, isJoin } = made;
  return (
    refusalOfForm(made) ??
    (isJoin ? refusalOfJoin(made) : (refusalOfDevices(made) ?? refusalOfRoles(made))) ??
    refusalOfSize(changedRoster(roster, change, { seq: 0, time: 0 }, kind))
  );
}

/** [E12] A device of a present member that may come in by itself: a new one, or one that comes in again. */
export function mayJoin(roster: Roster, author: DeviceRef): boolean {
  const member = presentMember(roster, author.user_id);
  if (member === undefined) return false;
  const device = deviceOf(roster, author);
  if (device === undefined) return true;
  if (device.gone === true) return false;
  // Whom a commit removed while its user stayed does not come back by itself [E5].
  return device.left_seq === undefined || device.left_seq < member.joined_seq;
}

/** [E14] Everybody in a group that is not alone hands over before leaving, if it is the owner. */
export function refusalOfLeave(roster: Roster, kind: Kind, author: DeviceRef): Refusal | undefined {
  if (kind === "direct") return refuse("bad_roster", "a direct chat cannot be left");
  const isOwner = presentMember(roster, author.user_id)?.role === "owner";
  const others = roster.filter(
    (member) => member.left_seq === undefined && member.user_id !== author.user_id,
  );
  return isOwner && others.length > 0 ? refuse("bad_roster", "hand over first") : undefined;
}

/** [E15] Whether this device may found the next generation with these devices. */
export function refusalOfRefounding(
  { roster, kind }: { roster: Roster; kind: Kind },
  author: DeviceRef,
  devices: readonly DeviceRef[],
): Refusal | undefined {
  const founder = presentMember(roster, author.user_id);
  if (founder === undefined) return refuse("not_found");
  if (devices.some((device) => presentMember(roster, device.user_id) === undefined))
    return refuse("bad_roster", "devices: of present members only");
  if (devices.some((device) => deviceOf(roster, device)?.gone === true))
    return refuse("bad_roster", "devices: are active");
  if (kind === "direct") return undefined;
  if (founder.role === "member") return refuse("not_allowed");
  const named = new Set(devices.map((device) => device.user_id));
  // Who has no device to be named with is not put out by that: it goes, or stays the owner, as with any commit.
  const dropped = roster.filter(
    (member) => member.left_seq === undefined && !named.has(member.user_id) && member.devices.some(isActive),
  );
  const isBeyond = dropped.some(
    (member) => member.role === "owner" || (member.role === "admin" && founder.role !== "owner"),
  );
  return isBeyond ? refuse("not_allowed") : undefined;
}

/** Every device once, those removed with a leaf, those added without one that stays. */
function refusalOfForm({ roster, author, change, isJoin }: Change): Refusal | undefined {
  const added = new Set(change.add.map(deviceKey));
  const removed = new Set(change.remove.map(deviceKey));
  if (added.size < change.add.length || removed.size < change.remove.length)
    return refuse("bad_roster", "each device is named once");
  if (!isJoin && removed.has(deviceKey(author))) return refuse("bad_roster", "nobody removes itself");
  if (change.remove.some((device) => deviceOf(roster, device)?.leaf === undefined))
    return refuse("bad_roster", "remove: is in the group");
  const isHere = (device: DeviceRef) => {
    const known = deviceOf(roster, device);
    return known?.gone === true || (known?.leaf !== undefined && !removed.has(deviceKey(device)));
  };
  return change.add.some(isHere) ? refuse("bad_roster", "add: is not in the group") : undefined;
}

function refusalOfJoin({ roster, author, change }: Change): Refusal | undefined {
  const [joiner] = change.add;
  const isItself = change.add.length === 1 && joiner !== undefined && deviceKey(joiner) === deviceKey(author);
  const isOwn = change.remove.every((device) => device.user_id === author.user_id);
  if (!mayJoin(roster, author) || !isItself || !isOwn || (change.roles?.length ?? 0) > 0)
    return refuse("bad_roster", "a joiner adds itself");
  return undefined;
}

function refusalOfDevices({ roster, kind, author, change }: Change): Refusal | undefined {
  const removed = new Set(change.remove.map(deviceKey));
  const due = new Set(devicesToRemove(roster).map(deviceKey));
  if ([...due].some((key) => !removed.has(key))) return refuse("commit_required");
  const role = presentMember(roster, author.user_id)?.role;
  const mayRemove = (device: DeviceRef) => {
    if (due.has(deviceKey(device)) || device.user_id === author.user_id) return true;
    const theirs = presentMember(roster, device.user_id)?.role;
    return role === "owner" || (role === "admin" && theirs === "member");
  };
  const mayAdd = (device: DeviceRef) => {
    if (device.user_id === author.user_id) return true;
    return kind === "group" ? role !== "member" : isDeviceless(roster, device.user_id);
  };
  return change.remove.every(mayRemove) && change.add.every(mayAdd) ? undefined : refuse("not_allowed");
}

/** In a direct chat the other side is brought back by the one who is still there. */
function isDeviceless(roster: Roster, userId: string): boolean {
  const member = presentMember(roster, userId);
  return member !== undefined && !member.devices.some(isActive);
}

function refusalOfRoles({ roster, kind, author, change }: Change): Refusal | undefined {
  const roles = new Map(change.roles?.map(({ user_id, role }) => [user_id, role]));
  if (roles.size === 0) return undefined;
  if (kind === "direct") return refuse("bad_roster", "roles: a direct chat has none");
  if (roles.size !== change.roles?.length) return refuse("bad_roster", "roles: each user is named once");
  const after = changedRoster(roster, change, { seq: 0, time: 0 }, kind);
  if ([...roles.keys()].some((userId) => presentMember(after, userId) === undefined))
    return refuse("bad_roster", "roles: of members");
  if (after.filter((member) => member.role === "owner" && member.left_seq === undefined).length !== 1)
    return refuse("bad_roster", "roles: one owner");
  const own = activeDevice(roster, author) && presentMember(roster, author.user_id)?.role;
  const isAllowed = [...roles].every(([userId, role]) => {
    const before = presentMember(roster, userId)?.role ?? "member";
    return before === role || own === "owner" || (own === "admin" && before === "member" && role === "admin");
  });
  return isAllowed ? undefined : refuse("not_allowed");
}

export function refusalOfSize(roster: Roster): Refusal | undefined {
  const present = roster.filter((member) => member.left_seq === undefined);
  if (present.length > limits.membersPerGroupMax || leavesOf(roster).length > limits.leavesPerGroupMax)
    return refuse("group_full");
  const isCrowded = present.some(
    (member) => member.devices.filter(isActive).length > limits.devicesPerUserMax,
  );
  return isCrowded ? refuse("bad_roster", "five devices of a user") : undefined;
}

function refuse(code: ErrorCode, where?: string): Refusal {
  return { code, details: where === undefined ? {} : { where } };
}
