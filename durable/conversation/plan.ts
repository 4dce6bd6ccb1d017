/**
 * Which range goes to which devices of a member next [F4] [F9]: pure planning over cursors.
 * A call covers a dense range; devices at the same place share it, others get the next call.
 */
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { DeliverCall } from "../rpc.ts";
import type { DeviceProgress, Range } from "./device-progress.ts";
import type { EntryCache } from "./entry-cache.ts";
import type { LoggedEntry } from "./log.ts";
import { type PositionKey, positionMac } from "./position.ts";
import { owedDevices } from "./progress.ts";
import type { RosterMember } from "./roster.ts";
import type { Loaded } from "./state.ts";

export interface PlannedCall {
  range: Range;
  devices: DeviceRef[];
}

/** The next live range of a member, or undefined when its devices have all been offered everything. */
export function planNext(
  loaded: Loaded,
  member: RosterMember,
  isCarried: (device: DeviceRef) => boolean,
  authorOf: (seq: number) => DeviceRef,
  now: number,
): PlannedCall | undefined {
  let planned: PlannedCall | undefined;
  for (const { device, upTo } of owedDevices(member, loaded.head.seq)) {
    const progress = loaded.progress.device(device);
    if (progress === undefined || isCarried(device)) continue;
    passOwnEntries(progress, device, upTo, authorOf, now);
    if (progress.offered >= upTo) continue;
    const from = progress.offered + 1;
    const to = Math.min(upTo, from + limits.deliverEntriesMax - 1);
    if (planned === undefined || from < planned.range.from) {
      planned = { range: { from, to }, devices: [device] };
    } else if (from === planned.range.from) {
      planned.devices.push(device);
      planned.range.to = Math.min(planned.range.to, to);
    }
  }
  return planned;
}

/** [F4] The author device counts as having its entry: no call for what is only its own. */
export function passOwnEntries(
  progress: DeviceProgress,
  device: DeviceRef,
  head: number,
  authorOf: (seq: number) => DeviceRef,
  now: number,
): void {
  while (progress.offered < head) {
    const author = authorOf(progress.offered + 1);
    if (author.user_id !== device.user_id || author.device_id !== device.device_id) return;
    progress.offer(progress.offered + 1, "own", now);
  }
}

/** [F4] Offers entries run by run: the device's own it has, and is not waited for to acknowledge. */
export function offerEntries(
  progress: DeviceProgress,
  device: DeviceRef,
  entries: readonly LoggedEntry[],
  state: "under_way" | "handed",
  now: number,
): void {
  for (const [index, entry] of entries.entries()) {
    const next = entries[index + 1];
    const isOwn = isBy(entry, device);
    if (next !== undefined && isBy(next, device) === isOwn) continue;
    progress.offer(entry.seq, isOwn ? "own" : state, now);
  }
}

export function isBy(entry: LoggedEntry, device: DeviceRef): boolean {
  return entry.author.device_id === device.device_id && entry.author.user_id === device.user_id;
}

/** [F7] What missed its deadline, grouped by range so that devices at the same place share a call. */
export function planOverdue(loaded: Loaded, member: RosterMember, before: number): PlannedCall[] {
  const calls = new Map<string, PlannedCall>();
  for (const { device } of owedDevices(member, loaded.head.seq)) {
    for (const range of loaded.progress.device(device)?.overdue(before) ?? []) {
      for (const part of inParts(range)) {
        const key = `${part.from}-${part.to}`;
        const call = calls.get(key) ?? { range: part, devices: [] };
        call.devices.push(device);
        calls.set(key, call);
      }
    }
  }
  return [...calls.values()];
}

/**
 * [F4] [F6] After a wake a device's own entries are unknown with the rest. Where one has nothing else to wait for, it is
 * neither called for nor cut off its chat socket.
 */
export function passOwnOverdue(
  loaded: Loaded,
  member: RosterMember,
  before: number,
  cache: EntryCache,
): void {
  for (const { device } of owedDevices(member, loaded.head.seq)) {
    const progress = loaded.progress.device(device);
    for (const range of progress?.overdue(before) ?? []) {
      const entries = cache.range(range.from, Math.min(range.to, range.from + limits.deliverEntriesMax - 1));
      const others = entries.findIndex((entry) => !isBy(entry, device));
      const end = entries.at(others === -1 ? -1 : others - 1);
      if (others !== 0 && end !== undefined) progress?.passOwn({ from: range.from, to: end.seq });
    }
  }
}

function* inParts(range: Range): Generator<Range> {
  for (let from = range.from; from <= range.to; from += limits.deliverEntriesMax) {
    yield { from, to: Math.min(range.to, from + limits.deliverEntriesMax - 1) };
  }
}

/** The call as the Inbox gets it. `entries` starts at the range's first and may be shorter than the range: bytes. */
export function composeCall(
  conversationId: string,
  loaded: Loaded,
  member: RosterMember,
  planned: PlannedCall,
  entries: readonly LoggedEntry[],
  key: PositionKey,
  options: { after: number | null; hold: boolean },
): DeliverCall {
  const last = entries.at(-1);
  if (last === undefined || entries[0]?.seq !== planned.range.from)
    throw new Error("a call has its first entry");
  const { identity, progress, head } = loaded;
  return {
    conversation_id: conversationId,
    kind: identity.kind,
    log_id: identity.logId,
    from: planned.range.from,
    to: last.seq,
    devices: planned.devices.map((device) => device.device_id),
    entries: entries.map((entry) => ({
      seq: entry.seq,
      json: entry.json,
      silent: entry.silent,
      ...(entry.author.user_id === member.user_id && { author_device: entry.author.device_id }),
    })),
    mac: positionMac(key, identity.logId, last.seq, last.message_id),
    after: options.after,
    hold: options.hold,
    read_confirmed: progress.readConfirmed(member.user_id),
    last_activity_at: head.sentAt,
  };
}
