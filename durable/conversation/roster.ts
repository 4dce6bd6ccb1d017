/**
 * Who is in a conversation: members, roles, devices, and the MLS epoch that a commit raises by compare-and-set (E2).
 * A roster is a value: a change gives a new one, which counts once its transaction has returned.
 * Those who left stay, with the seq up to which they may read [F8] and be answered for a resend [L3].
 */
import type { RosterChange } from "../../src/protocol/entry.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";

export interface RosterDevice {
  id: number;
  joined_seq: number;
  /** Set by the commit that removed it. */
  left_seq?: number;
  /** Its account logged it out: nothing is delivered to it any more, though no commit has removed it yet. */
  gone?: true;
}
export interface RosterMember {
  user_id: string;
  role: "owner" | "admin" | "member";
  joined_seq: number;
  joined_at: number;
  left_seq?: number;
  devices: RosterDevice[];
}
export type Roster = readonly RosterMember[];

const leftDevicesKept = 16;

export function memberOf(roster: Roster, userId: string): RosterMember | undefined {
  return roster.find((member) => member.user_id === userId);
}

/** The device's place in the roster, whether it still is in or has left. */
export function deviceOf(roster: Roster, device: DeviceRef): RosterDevice | undefined {
  return memberOf(roster, device.user_id)?.devices.find((known) => known.id === device.device_id);
}

export function isActive(device: RosterDevice): boolean {
  return device.left_seq === undefined && device.gone === undefined;
}

export function activeDevice(roster: Roster, device: DeviceRef): RosterDevice | undefined {
  const found = deviceOf(roster, device);
  return found !== undefined && isActive(found) ? found : undefined;
}

/** A new conversation's members in the order the founder named them; a direct chat has no owner's powers. */
export function foundedRoster(devices: readonly DeviceRef[], at: { seq: number; time: number }): Roster {
  const members = new Map<string, RosterMember>();
  for (const device of devices) {
    const member = members.get(device.user_id) ?? {
      user_id: device.user_id,
      role: "member",
      joined_seq: at.seq,
      joined_at: at.time,
      devices: [],
    };
    if (member.devices.some((known) => known.id === device.device_id)) continue;
    member.devices.push({ id: device.device_id, joined_seq: at.seq });
    members.set(device.user_id, member);
  }
  return [...members.values()];
}

/**
 * Whether `author` may make this change in a direct chat: devices come and go only by their own user,
 * and a device that is not in the roster yet may add itself (E12).
 */
export function mayChangeDirect(roster: Roster, author: DeviceRef, change: RosterChange): boolean {
  const member = memberOf(roster, author.user_id);
  if (member === undefined || member.left_seq !== undefined) return false;
  const isOwn = (device: DeviceRef) => device.user_id === author.user_id;
  if (![...change.add, ...change.remove].every(isOwn)) return false;
  const addsItself = change.add.length === 1 && change.add[0]?.device_id === author.device_id;
  if (deviceOf(roster, author) === undefined && !addsItself) return false;
  if (change.add.length > 0 && !addsItself) return false;
  const isNew = change.add.every((device) => deviceOf(roster, device) === undefined);
  const isKnown = change.remove.every((device) => {
    const known = deviceOf(roster, device);
    return known !== undefined && known.left_seq === undefined && device.device_id !== author.device_id;
  });
  const removed = new Set(change.remove.map((device) => device.device_id));
  const staying = member.devices.filter((device) => isActive(device) && !removed.has(device.id)).length;
  return isNew && isKnown && staying + change.add.length <= limits.devicesPerUserMax;
}

export function changedRoster(roster: Roster, change: RosterChange, seq: number): Roster {
  return roster.map((member) => {
    const added = change.add.filter((device) => device.user_id === member.user_id);
    const removed = change.remove.filter((device) => device.user_id === member.user_id);
    if (added.length === 0 && removed.length === 0) return member;
    const devices = member.devices.map((device) =>
      removed.some((gone) => gone.device_id === device.id) ? { ...device, left_seq: seq } : device,
    );
    for (const device of added) devices.push({ id: device.device_id, joined_seq: seq });
    return { ...member, devices: withoutLongLeft(devices) };
  });
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

function withoutLongLeft(devices: RosterDevice[]): RosterDevice[] {
  const left = devices.filter((device) => !isActive(device));
  const dropped = new Set(left.slice(0, Math.max(0, left.length - leftDevicesKept)));
  return devices.filter((device) => !dropped.has(device));
}
