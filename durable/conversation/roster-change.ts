/** What foundings, commits, leaving and logging out make of a roster. Who may: roster-rules.ts. */
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import type { RosterChange } from "../../src/protocol/mls.ts";
import {
  devicesWithLeaf,
  isActive,
  type Kind,
  leavesOf,
  type Roster,
  type RosterDevice,
  type RosterMember,
} from "./roster.ts";

interface At {
  seq: number;
  time: number;
}

const leftDevicesKept = 16;

/** Members in the order in which the founder named them, each device's leaf its place in that order. */
export function foundedRoster(devices: readonly DeviceRef[], at: At, kind: Kind = "direct"): Roster {
  const members = new Map<string, RosterMember>();
  for (const [leaf, device] of devices.entries()) {
    const member = members.get(device.user_id) ?? {
      user_id: device.user_id,
      role: kind === "group" && members.size === 0 ? "owner" : "member",
      joined_seq: at.seq,
      joined_at: at.time,
      devices: [],
    };
    if (member.devices.some((known) => known.id === device.device_id)) continue;
    member.devices.push({ id: device.device_id, joined_seq: at.seq, leaf });
    members.set(device.user_id, member);
  }
  return [...members.values()];
}

/** [E15] A further generation: the same people or fewer, every leaf set anew; who is not named has left. */
export function refoundedRoster(
  roster: Roster,
  devices: readonly DeviceRef[],
  at: At,
  kind: Kind = "direct",
): Roster {
  return changedRoster(roster, { add: [...devices], remove: devicesWithLeaf(roster) }, at, kind);
}

/** What an accepted commit makes of the roster. Leaves as in RFC 9420 (7.7, 12.1.1): a new one takes the leftmost place. */
export function changedRoster(roster: Roster, change: RosterChange, at: At, kind: Kind = "direct"): Roster {
  const added = new Set(change.add.map(deviceKey));
  const removed = new Set(change.remove.map(deviceKey));
  const members = roster.map((member) => withoutRemoved(member, removed, added, at.seq));
  const taken = new Set(leavesOf(members));
  let lowest = 0;
  for (const device of change.add) {
    while (taken.has(lowest)) lowest += 1;
    taken.add(lowest);
    const index = members.findIndex((member) => member.user_id === device.user_id);
    const known = members[index];
    const member = withAdded(known, device, lowest, at);
    if (known === undefined) members.push(member);
    else members[index] = member;
  }
  const roles = new Map(change.roles?.map(({ user_id, role }) => [user_id, role]));
  const touched = new Set([...change.remove, ...change.add].map((device) => device.user_id));
  return members.map((member) => {
    const role = roles.get(member.user_id) ?? member.role;
    const known = touched.has(member.user_id) ? settled(member, kind, at.seq) : member;
    return role === known.role ? known : { ...known, role };
  });
}

function withoutRemoved(
  member: RosterMember,
  removed: ReadonlySet<string>,
  added: ReadonlySet<string>,
  seq: number,
): RosterMember {
  const keyOf = (device: RosterDevice) => deviceKey({ user_id: member.user_id, device_id: device.id });
  if (!member.devices.some((device) => removed.has(keyOf(device)))) return member;
  const devices = member.devices.map((device) => {
    if (!removed.has(keyOf(device))) return device;
    const { leaf: _, ...rest } = device;
    // One that comes back with the same commit has never been away.
    return added.has(keyOf(device)) && isActive(device)
      ? rest
      : { ...rest, left_seq: device.left_seq ?? seq };
  });
  return { ...member, devices };
}

/** Who was away joins anew: it reads from here on. */
function withAdded(known: RosterMember | undefined, device: DeviceRef, leaf: number, at: At): RosterMember {
  const fresh = { joined_seq: at.seq, joined_at: at.time };
  const { left_seq, ...member } = known ?? { user_id: device.user_id, role: "member", ...fresh, devices: [] };
  const isBack = left_seq !== undefined;
  const before = member.devices.find(({ id }) => id === device.device_id);
  const joined_seq = before !== undefined && isActive(before) ? before.joined_seq : at.seq;
  const others = member.devices.filter(({ id }) => id !== device.device_id);
  return {
    ...member,
    ...(isBack && { ...fresh, role: "member" as const }),
    devices: [...others, { id: device.device_id, joined_seq, leaf }],
  };
}

/**
 * [F8] A user without devices left has left. Not so the two of a direct chat, whom its id names, and not the owner, whom
 * nobody removes: both come back with their next device.
 */
function settled(member: RosterMember, kind: Kind, seq: number): RosterMember {
  const devices = withoutLongLeft(member.devices);
  const hasLeft =
    kind === "group" && member.role !== "owner" && devices.every((device) => device.left_seq !== undefined);
  return hasLeft ? { ...member, devices, left_seq: member.left_seq ?? seq } : { ...member, devices };
}

/** [E14] The user leaves with all its devices; their leaves stay until the next commit. */
export function withLeft(roster: Roster, userId: string, seq: number): Roster {
  return roster.map((member) =>
    member.user_id !== userId
      ? member
      : {
          ...member,
          left_seq: seq,
          devices: member.devices.map((device) => ({ ...device, left_seq: device.left_seq ?? seq })),
        },
  );
}

/** The account logged the device out. */
export function withGone(roster: Roster, device: DeviceRef): Roster {
  return roster.map((member) =>
    member.user_id !== device.user_id
      ? member
      : {
          ...member,
          devices: member.devices.map((known) =>
            known.id === device.device_id ? { ...known, gone: true as const } : known,
          ),
        },
  );
}

/** A device with a leaf is never forgotten: its removal is still to come. */
function withoutLongLeft(devices: RosterDevice[]): RosterDevice[] {
  const left = devices.filter((device) => !isActive(device) && device.leaf === undefined);
  const dropped = new Set(left.slice(0, Math.max(0, left.length - leftDevicesKept)));
  return devices.filter((device) => !dropped.has(device));
}
