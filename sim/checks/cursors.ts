/** The server's cursors against the truth [F4], and that outstanding work has an alarm [F5]. */
import type { SimObject } from "../runtime/sim-object.ts";
import type { World } from "../runtime/world.ts";
import type { History } from "./history.ts";
import { type DeviceCursor, type ProgressRow, readProgress } from "./progress-row.ts";
import type { Truth } from "./truth.ts";

const deadlineMs = 9_000;

/** [F4] `placed`: every entry up to there is on the device, its own, or held for it by its Inbox, or marked there. */
export function judgeCursors(world: World, history: History, truth: Truth): string | null {
  if (history.restores > 0) return null;
  const row = readProgress(history);
  const fallen = history.progress === null ? null : judgeFall(history.progress, row);
  history.progress = row;
  if (fallen !== null) return fallen;
  const { devices, members } = row;
  for (const device of devices) {
    const held = truth.heldBy(device.key, history, device.from);
    // Out again before it ever took the chat in, be it one that it founded: it has said that it wants nothing of it.
    if (history.isOut(device.key) && truth.storedUpTo(device.key, history.id) < device.from) continue;
    if (device.acked > held) {
      return `[D1] the Conversation counts ${device.key} as having ${device.acked}; it holds ${held}`;
    }
    // A restored Inbox has lost what it held: its devices compare, and fetch it [L5].
    if (truth.isRestored(device.userId)) continue;
    const lost = firstLost(world, history, device, held);
    if (lost !== null) {
      return `[F4] ${device.key} counts as placed up to ${device.placed}, but entry ${lost} is neither on it nor held for it`;
    }
  }
  for (const { userId, read, delivered } of members) {
    if (read > truth.readBy(userId, history.id)) return `[R1] ${userId} counts as having read ${read}`;
    const most = truth.deliveredTo(userId, history);
    if (delivered > most)
      return `[R1] ${userId} counts as having been delivered ${delivered}; its devices hold ${most}`;
  }
  return null;
}

/** [F4] [R1] Cursors and watermarks only rise. */
function judgeFall(before: ProgressRow, after: ProgressRow): string | null {
  for (const { key, acked, placed } of after.devices) {
    const known = before.devices.find((device) => device.key === key);
    if (known !== undefined && (acked < known.acked || placed < known.placed))
      return `[F4] ${key} was at ${known.acked}, ${known.placed} and now is at ${acked}, ${placed}`;
  }
  for (const { userId, read, delivered } of after.members) {
    const known = before.members.find((member) => member.userId === userId);
    if (known !== undefined && (read < known.read || delivered < known.delivered))
      return `[R1] ${userId} was at ${known.delivered}, ${known.read} and now is at ${delivered}, ${read}`;
  }
  return null;
}

/**
 * [F7] With nothing wrong on the server's side, an entry is acknowledged or held within seconds, whatever its device's
 * socket pretends: written to it (2 s), missed by one alarm and taken by the next (5 s each).
 */
export function judgeDeadline(world: World, history: History): string | null {
  const { soundSince } = world;
  if (soundSince === null || history.restores > 0) return null;
  for (const { key, userId, deviceId, placed, end } of readProgress(history).devices) {
    const entry = history.log.find(({ seq, author }) => seq > placed && seq <= end && author !== key);
    if (entry === undefined || entry.sentAt < soundSince || world.scheduler.now - entry.sentAt < deadlineMs)
      continue;
    const known = "SELECT 1 FROM devices WHERE device_id = ?";
    const { storage } = world.object("Inbox", userId);
    // Its Account has not told the Inbox yet, or a device that came back with a restore is not known to it.
    if (!storage.hasTable("devices") || storage.rows(known, deviceId).length === 0) continue;
    return `[F7] entry ${entry.seq} is ${Math.round((world.scheduler.now - entry.sentAt) / 1000)} s old, and neither acknowledged by ${key} nor held for it`;
  }
  return null;
}

function firstLost(world: World, history: History, device: DeviceCursor, held: number): number | null {
  if (device.placed <= held) return null;
  const inbox = world.object("Inbox", device.userId);
  if (!inbox.storage.hasTable("held")) return held + 1;
  // Logged out, and its chats are still to be told: nothing is kept for it any more.
  const revoked = "SELECT 1 FROM devices WHERE device_id = ? AND revoked_after IS NOT NULL";
  if (inbox.storage.rows(revoked, device.deviceId).length > 0) return null;
  // [F3] A mark stands for all that the device lacks of the conversation.
  const marked = "SELECT 1 FROM marks WHERE device_id = ? AND conversation_id = ?";
  if (inbox.storage.rows(marked, device.deviceId, history.id).length > 0) return null;
  const rows = inbox.storage.rows(
    "SELECT seq FROM held WHERE device_id = ? AND conversation_id = ? AND seq > ?",
    device.deviceId,
    history.id,
    held,
  );
  const seqs = new Set(rows.map((row) => Number(row.seq)));
  for (let seq = held + 1; seq <= device.placed; seq += 1) {
    if (!seqs.has(seq) && history.log[seq - 1]?.author !== device.key) return seq;
  }
  return null;
}

/** [F5] Rows that ask for work, and no alarm to do it. */
export function judgeAlarm(object: SimObject, history: History | undefined): string | null {
  if (object.storage.committedAlarm !== null || object.alarm.isRunning) return null;
  // Saved while its alarm ran: the first event after a restore finds the work, and arms one.
  if (!object.hasWoken) return null;
  const work = object.className === "Conversation" ? outstanding(history) : dutiesOf(object);
  return work === null ? null : `[F5] no alarm is armed, though ${work}`;
}

export function outstanding(history: History | undefined): string | null {
  if (history === undefined || history.head === 0) return null;
  const { devices, members } = readProgress(history);
  const behind = devices.find((device) => {
    // Its own entries a device has, whether or not the row says so yet.
    let placed = device.placed;
    while (history.log[placed]?.author === device.key) placed += 1;
    return placed < device.end;
  });
  if (behind !== undefined) return `${behind.key} is placed up to ${behind.placed} of ${behind.end}`;
  const unlisted = members.find((member) => !member.isListed);
  return unlisted === undefined ? null : `the Inbox of ${unlisted.userId} has not been told of the chat`;
}

function dutiesOf(object: SimObject): string | null {
  const { storage } = object;
  if (object.className === "Account") {
    if (!storage.hasTable("devices")) return null;
    const due = storage.rows("SELECT device_id FROM devices WHERE inbox_duty IS NOT NULL");
    return due.length > 0 ? "its Inbox has not been told of a device" : null;
  }
  if (!storage.hasTable("failed_reports")) return null;
  if (storage.rows("SELECT 1 FROM failed_reports LIMIT 1").length > 0) return "reports failed";
  const untold = storage.rows(
    "SELECT 1 FROM devices WHERE revoked_after IS NOT NULL AND revoked_after <> 'done' LIMIT 1",
  );
  return untold.length > 0 ? "chats have not been told of a revoked device" : null;
}
