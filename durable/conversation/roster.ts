/**
 * Who is in a conversation: members, roles, devices and their leaves in the MLS tree (E2). A roster is a value: a change
 * (roster-change.ts) gives a new one, which counts once its transaction has returned. Who may make it: roster-rules.ts.
 * Those who left stay, with the seq up to which they may read [F8] and be answered for a resend [L3].
 */
import type { DeviceRef } from "../../src/protocol/ids.ts";

export interface RosterDevice {
  id: number;
  joined_seq: number;
  /** Its leaf in the tree; absent once a commit has removed it. Who has left may have one until then (E14). */
  leaf?: number;
  /** The last entry it is to have: of the commit that removed it, or of its user's leaving. */
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
export type Kind = "direct" | "group";

export function memberOf(roster: Roster, userId: string): RosterMember | undefined {
  return roster.find((member) => member.user_id === userId);
}

/** The member, unless it has left. */
export function presentMember(roster: Roster, userId: string): RosterMember | undefined {
  const member = memberOf(roster, userId);
  return member?.left_seq === undefined ? member : undefined;
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

/** Asked with every message, and the same until the roster changes. */
const dueByRoster = new WeakMap<Roster, DeviceRef[]>();

/** [E14] Devices whose leaves the next commit must remove: of users who left, and those that were logged out. */
export function devicesToRemove(roster: Roster): DeviceRef[] {
  const known = dueByRoster.get(roster);
  if (known !== undefined) return known;
  const due = roster.flatMap((member) =>
    member.devices
      .filter((device) => device.leaf !== undefined && !isActive(device))
      .map((device) => ({ user_id: member.user_id, device_id: device.id })),
  );
  dueByRoster.set(roster, due);
  return due;
}

export function devicesWithLeaf(roster: Roster): DeviceRef[] {
  return roster.flatMap((member) =>
    member.devices
      .filter((device) => device.leaf !== undefined)
      .map((device) => ({ user_id: member.user_id, device_id: device.id })),
  );
}

export function leavesOf(roster: Roster): number[] {
  return roster.flatMap((member) => member.devices.flatMap(({ leaf }) => (leaf === undefined ? [] : [leaf])));
}
