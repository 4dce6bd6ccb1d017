/** One entry → what is shown of it, and what it tells about the conversation (epoch, devices, the other's profile). */
import type { RosterChange } from "../../protocol/entry.ts";
import type { DeviceRef } from "../../protocol/ids.ts";
import type { ReceivedEntry } from "../connection/frames.ts";
import { type Content, type Decoded, decodeContent } from "../content.ts";
import type { Message } from "../contract.ts";
import type { ConversationRecord, MemberRecord, MessageRecord } from "../store/records.ts";

/** This device. */
export interface Self {
  userId: string;
  deviceId: number;
}

export interface ShownEntry {
  /** Null for what has nothing to show. */
  message: MessageRecord | null;
  /** What the entry changes in the conversation, apart from the cursor. */
  change(record: ConversationRecord): ConversationRecord;
}

/** [D8] Never rejects: what cannot be processed comes out parked. */
export async function showEntry(
  entry: ReceivedEntry,
  logId: string,
  conversationId: string,
  self: Self,
): Promise<ShownEntry> {
  const decoded: Decoded | null =
    entry.kind === "message" || entry.kind === "commit" ? await decodeContent(entry.envelope) : null;
  const body = bodyOf(entry, decoded);
  return {
    message: body === null ? null : messageOf(entry, body, logId, conversationId, self),
    change: (record) => withEntry(record, entry, decoded, self),
  };
}

function bodyOf(entry: ReceivedEntry, decoded: Decoded | null): Message["body"] | null {
  if (entry.kind === "skip") return null;
  if (decoded === null) return { type: "parked", reason: "unknown_kind" };
  if ("parked" in decoded) return { type: "parked", reason: decoded.parked };
  const { content } = decoded;
  if (content.type === "text") {
    return entry.kind === "message"
      ? { type: "text", text: content.text }
      : { type: "parked", reason: "wrong_form" };
  }
  // A notice is a commit's; as a message anybody could write one.
  if (entry.kind !== "commit") return { type: "parked", reason: "wrong_form" };
  return { type: "notice", notice: content.type === "founding" ? "founded" : "device_joined" };
}

function messageOf(
  entry: ReceivedEntry,
  body: Message["body"],
  logId: string,
  conversationId: string,
  self: Self,
): MessageRecord {
  const isCounted = entry.kind === "message" && !entry.silent && entry.sender.user_id !== self.userId;
  return {
    conversationId,
    seq: entry.seq,
    sub: 0,
    logId,
    messageId: entry.message_id,
    senderId: entry.sender.user_id,
    sentAtMs: entry.sent_at,
    body,
    ...(isCounted ? { countedSeq: entry.seq } : {}),
  };
}

function withEntry(
  record: ConversationRecord,
  entry: ReceivedEntry,
  decoded: Decoded | null,
  self: Self,
): ConversationRecord {
  const content = decoded !== null && "content" in decoded ? decoded.content : null;
  const updated: ConversationRecord = {
    ...record,
    lastActivityMs: Math.max(record.lastActivityMs, entry.sent_at),
    peer: content === null ? record.peer : peerOf(record, entry, content, self),
  };
  const saysWhoWeAre =
    isFrom(entry.sender, self) &&
    content !== null &&
    content.type !== "device_joined" &&
    content.profile !== undefined;
  if (entry.kind !== "commit") return saysWhoWeAre ? { ...updated, isProfileDue: false } : updated;
  const hasNewcomer = entry.roster_change.add.some((device) => !isFrom(device, self));
  return {
    ...updated,
    epoch: Math.max(record.epoch, entry.epoch + 1),
    members: record.members.map((member) => withDevices(member, entry.roster_change)),
    // Whoever joined has not seen who this is; one's own founding has just said it.
    isProfileDue: !saysWhoWeAre && (record.isProfileDue || hasNewcomer),
  };
}

function isFrom(sender: DeviceRef, self: Self): boolean {
  return sender.user_id === self.userId && sender.device_id === self.deviceId;
}

function withDevices(member: MemberRecord, change: RosterChange): MemberRecord {
  const idsIn = (devices: readonly DeviceRef[]) =>
    devices.filter((device) => device.user_id === member.userId).map((device) => device.device_id);
  const removed = new Set(idsIn(change.remove));
  const kept = member.devices.filter((device) => !removed.has(device));
  return { ...member, devices: [...new Set([...kept, ...idsIn(change.add)])] };
}

function peerOf(
  record: ConversationRecord,
  entry: ReceivedEntry,
  content: Content,
  self: Self,
): ConversationRecord["peer"] {
  const { peer } = record;
  if (record.kind !== "direct" || content.type === "device_joined") return peer;
  if (entry.sender.user_id !== self.userId) {
    if (content.profile === undefined) return peer;
    // The number that the user looked up stays: what the other side says about itself is only its word.
    const phone = peer.phone ?? content.profile.phone;
    return { userId: entry.sender.user_id, name: content.profile.name, phone };
  }
  // Another of one's own devices says whom it writes to.
  const { name = null, phone = null } = content.peer ?? {};
  return { ...peer, name: peer.name ?? name, phone: peer.phone ?? phone };
}
