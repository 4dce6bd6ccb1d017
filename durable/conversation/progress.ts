/**
 * Cursors of all devices and watermarks of all members of one conversation [F4] [R1].
 * They advance in memory; `pack` is the one row they are written back to. After a crash the row is behind, never ahead:
 * what was placed or acknowledged since is delivered or reported again, and both are idempotent.
 */
import type { Watermark } from "../../src/protocol/entry.ts";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import { DeviceProgress } from "./device-progress.ts";
import { isActive, type Roster, type RosterMember } from "./roster.ts";

/** {user: [read, listed, {device: [acked, placed]}, delivered]} */
type Packed = Record<
  string,
  [read: number, listed: 0 | 1, devices: Record<string, [acked: number, placed: number]>, delivered?: number]
>;

interface MemberProgress {
  delivered: number;
  read: number;
  /** The part of `read` that is in storage: only that is confirmed to the reader [R3]. */
  readStored: number;
  /** Its Inbox knows of this conversation. */
  isListed: boolean;
}

export class Progress {
  #devices = new Map<string, DeviceProgress>();
  #members = new Map<string, MemberProgress>();
  /** The first seq of each device, by member, lowest first; and the lowest of those that still are active. */
  #places = new Map<string, { devices: { key: string; from: number }[]; first: number }>();
  /** Cursors as the row has them. */
  #stored = new Map<string, { acked: number; placed: number }>();
  /** Something advanced that the row does not have. */
  isDirty = false;
  /**
   * [F10] Something of that would be forgotten for good: the row has the entries as placed, so that the alarm would not
   * ask for them again, and the Inbox of a device lets go of what was acknowledged.
   */
  isForgettable = false;

  static load(packed: string | undefined, roster: Roster, head: number): Progress {
    const progress = new Progress();
    const stored: Packed = packed === undefined ? {} : JSON.parse(packed);
    for (const member of roster) {
      const [read, listed, devices, delivered] = stored[member.user_id] ?? [0, 0, {}];
      const state = {
        delivered: Math.min(delivered ?? 0, head),
        read: Math.min(read, head),
        readStored: Math.min(read, head),
        isListed: listed === 1,
      };
      progress.#members.set(member.user_id, state);
      progress.#place(member);
      for (const device of member.devices) {
        const [acked, placed] = devices[device.id] ?? [device.joined_seq - 1, device.joined_seq - 1];
        const end = device.left_seq ?? head;
        // What was acknowledged before it left and came back says nothing of now.
        const [from, to] = [device.joined_seq - 1, end];
        const known = new DeviceProgress(within(acked, from, to), within(placed, from, to), end);
        const key = deviceKey({ user_id: member.user_id, device_id: device.id });
        progress.#devices.set(key, known);
        progress.#stored.set(key, { acked: known.acked, placed: known.placed });
      }
      state.delivered = Math.max(state.delivered, state.read);
      // A row of the version before, which did not keep it: all it has is what was acknowledged.
      if (delivered === undefined) progress.#raise(member.user_id);
    }
    return progress;
  }

  pack(roster: Roster): string {
    const packed: Packed = {};
    for (const member of roster) {
      const devices: Record<string, [number, number]> = {};
      for (const device of member.devices) {
        const known = this.device({ user_id: member.user_id, device_id: device.id });
        if (known !== undefined) devices[device.id] = [known.acked, known.placed];
      }
      const state = this.#member(member.user_id);
      packed[member.user_id] = [state.read, state.isListed ? 1 : 0, devices, state.delivered];
    }
    return JSON.stringify(packed);
  }

  /**
   * Whether the row would change. Not only by what was reported: one's own entries, which nobody acknowledges, would be
   * work again for every wake, and an alarm with it [F5].
   */
  get isBehind(): boolean {
    const isPlaced = ([key, { placed }]: [string, DeviceProgress]) =>
      placed > (this.#stored.get(key)?.placed ?? 0);
    return this.isDirty || [...this.#devices].some(isPlaced);
  }

  /** The row is written; returns members whose read watermark is confirmed by that. */
  stored(): string[] {
    this.isDirty = false;
    this.isForgettable = false;
    for (const [key, { acked, placed }] of this.#devices) this.#stored.set(key, { acked, placed });
    const confirmed: string[] = [];
    for (const [userId, member] of this.#members) {
      if (member.readStored !== member.read) confirmed.push(userId);
      member.readStored = member.read;
    }
    return confirmed;
  }

  /** Follows a roster change: a device that is new is named from the entry of its joining on. */
  follow(roster: Roster): void {
    for (const member of roster) {
      this.#member(member.user_id);
      const places = this.#places.get(member.user_id)?.devices ?? [];
      this.#place(member);
      for (const device of member.devices) {
        const key = deviceKey({ user_id: member.user_id, device_id: device.id });
        const before = device.joined_seq - 1;
        const joined = places.find((place) => place.key === key)?.from;
        // [F8] One that left and was added again starts anew.
        if (this.#devices.has(key) && joined === device.joined_seq) continue;
        this.#devices.set(key, new DeviceProgress(before, before, before));
        this.isDirty = true;
      }
    }
  }

  device(ref: DeviceRef): DeviceProgress | undefined {
    return this.#devices.get(deviceKey(ref));
  }

  /** [R1] Returns whether the member's watermark rose. The caller has checked the claim against the head. */
  ack(ref: DeviceRef, seq: number): boolean {
    const device = this.device(ref);
    if (device === undefined) return false;
    const isNews = device.ack(seq);
    // A repeated one too may carry the watermark over what meanwhile nobody is left to acknowledge.
    const hasRisen = this.#raise(ref.user_id);
    if (isNews || hasRisen) this.isDirty = true;
    const stored = this.#stored.get(deviceKey(ref));
    const isAskedAgain = isNews && device.acked > (stored?.placed ?? 0);
    const isLetGoOf = stored !== undefined && stored.acked < Math.min(device.acked, stored.placed);
    if (isLetGoOf || (hasRisen && !isAskedAgain)) this.isForgettable = true;
    return hasRisen;
  }

  /** [R1] Read implies delivered, and a device that shows a message has it. */
  read(ref: DeviceRef, seq: number): boolean {
    const member = this.#member(ref.user_id);
    if (seq <= member.read) return false;
    member.read = seq;
    member.delivered = Math.max(member.delivered, seq);
    this.#raise(ref.user_id);
    this.isDirty = true;
    return true;
  }

  watermark(userId: string): Watermark {
    const member = this.#member(userId);
    return { user_id: userId, delivered: member.delivered, read: member.read };
  }

  readConfirmed(userId: string): number {
    return this.#member(userId).readStored;
  }

  isListed(userId: string): boolean {
    return this.#member(userId).isListed;
  }
  setListed(userId: string): void {
    const member = this.#member(userId);
    if (!member.isListed) this.isDirty = true;
    member.isListed = true;
  }

  /** [F5] Whether the alarm has work: a device that lacks something, or a member whose Inbox does not know the chat. */
  isOutstanding(roster: Roster, head: number): boolean {
    return (
      roster.some((member) => !this.isListed(member.user_id)) || this.firstLacking(roster, head) !== null
    );
  }

  /** The lowest seq that a device neither has nor finds held, or null. */
  firstLacking(roster: Roster, head: number): number | null {
    let first: number | null = null;
    for (const { device, upTo } of roster.flatMap((member) => owedDevices(member, head))) {
      const known = this.device(device);
      if (known === undefined || known.isPlacedUpTo(upTo)) continue;
      if (first === null || known.placed < first - 1) first = known.placed + 1;
    }
    return first;
  }

  #place(member: RosterMember): void {
    const devices = member.devices.map((device) => ({
      key: deviceKey({ user_id: member.user_id, device_id: device.id }),
      from: device.joined_seq,
    }));
    // Nobody waits for what lies before it: no device that is left can acknowledge that.
    const first = Math.min(...member.devices.filter(isActive).map((device) => device.joined_seq));
    this.#places.set(member.user_id, { devices: devices.sort((a, b) => a.from - b.from), first });
  }

  /**
   * [R1] Up to the highest seq that a device has acknowledged with nothing below it which some device still in the roster
   * could acknowledge and none has. Called for an acknowledgement only: who joins or goes has acknowledged nothing.
   */
  #raise(userId: string): boolean {
    const member = this.#member(userId);
    const before = member.delivered;
    const { devices, first } = this.#places.get(userId) ?? { devices: [], first: 1 };
    let settled = Math.max(before, first - 1);
    for (const { key, from } of devices) {
      const acked = this.#devices.get(key)?.acked ?? 0;
      // It has acknowledged nothing yet, or there is something before its joining that another still may.
      if (acked < from || from > settled + 1) continue;
      settled = Math.max(settled, acked);
      member.delivered = Math.max(member.delivered, acked);
    }
    return member.delivered > before;
  }

  #member(userId: string): MemberProgress {
    const known = this.#members.get(userId);
    if (known !== undefined) return known;
    const fresh = { delivered: 0, read: 0, readStored: 0, isListed: false };
    this.#members.set(userId, fresh);
    return fresh;
  }
}

function within(seq: number, from: number, to: number): number {
  return Math.max(Math.min(seq, to), Math.min(from, to));
}

/** Devices of a member that are to get what is appended from now on. */
export function fanOutDevices(member: RosterMember): DeviceRef[] {
  return member.devices.filter(isActive).map((device) => ({ user_id: member.user_id, device_id: device.id }));
}

/** Devices that are owed entries: the active ones all, those a commit removed up to that commit [F8], gone ones none. */
export function owedDevices(member: RosterMember, head: number): { device: DeviceRef; upTo: number }[] {
  return member.devices
    .filter((device) => device.gone === undefined)
    .map((device) => ({
      device: { user_id: member.user_id, device_id: device.id },
      upTo: device.left_seq ?? head,
    }));
}
