/**
 * A message from the log → what it says. One's own is known from the outbox, as a ratchet opens nothing twice; everybody
 * else's is opened, and its claim about the log compared [E13]. What fails is parked with its code [D8] [E9].
 */
import { base64 } from "@scure/base";
import type { z } from "zod";
import type { messageEntrySchema } from "../../protocol/entry.ts";
import { type Content, decodeContent, introductionIn } from "../content.ts";
import type { Message } from "../contract.ts";
import { type CryptoPort, type Position, withRatchet } from "../crypto/port.ts";
import type { MlsFailure } from "../mls/failures.ts";
import {
  type FollowUp,
  isSelf,
  nothingRead,
  parked,
  type ReadEntry,
  type Reading,
  type Self,
} from "./reading.ts";

export type MessageEntry = z.infer<typeof messageEntrySchema>;

export interface MessageReader {
  crypto: CryptoPort;
  self: Self;
  ownContent(messageId: string): Content | null;
  /** [E13] As in read-commit.ts. */
  agrees(position: Position): Promise<boolean>;
  /** A text that could not be opened came again from its sender. */
  replaceParked(
    seq: number,
    messageId: string,
    sender: MessageEntry["sender"],
    text: string,
  ): Promise<ReadEntry["changes"]>;
}

export interface ReadMessage extends ReadEntry {
  /** What a verified sender says of its log: a device that does not know H takes it from here. */
  position: Position | null;
}

export async function readMessageEntry(
  reader: MessageReader,
  reading: Reading,
  entry: MessageEntry,
): Promise<ReadMessage> {
  if (isSelf(entry.sender, reader.self)) return { ...readOwn(reader, reading, entry), position: null };
  const { group } = reading;
  // Not in yet: nothing is missing. Was in, and has lost the key: something is.
  if (group === null)
    return {
      ...unopened(reading, entry, reading.record.stateHash === null ? "before_join" : "epoch_passed"),
      position: null,
    };
  const { seq, epoch, message_id: messageId, sender } = entry;
  const known = reading.record.stateHash;
  const opened = await reader.crypto.open(group, {
    bytes: base64.decode(entry.envelope),
    place: { seq, epoch, messageId, sender },
    stateHash: known === null ? null : base64.decode(known),
  });
  if (opened.failure !== null) return { ...unopened(reading, entry, opened.failure), position: null };
  const { content, position } = opened.value;
  const next = { ...reading, group: withRatchet(group, opened.value) };
  if (!(await reader.agrees(position))) {
    const record = { ...reading.record, security: "fork" as const };
    return { ...unopened({ ...next, record }, entry, "log_fork"), position: null };
  }
  return { ...(await said(reader, next, entry, content)), position, k: opened.value.k };
}

function readOwn(reader: MessageReader, reading: Reading, entry: MessageEntry): ReadEntry {
  const content = reader.ownContent(entry.message_id);
  if (content === null) return entry.silent ? nothingRead(reading) : parked(reading, "own_message");
  // What was still due when this went out is said now.
  const isProfileDue = introductionIn(content) === null && reading.record.isProfileDue;
  if (content.type !== "text")
    return nothingRead({ ...reading, record: { ...reading.record, isProfileDue } });
  // [E7] To answer is to accept.
  const read = nothingRead({ ...reading, record: { ...reading.record, isProfileDue, isRequest: false } });
  return { ...read, body: { type: "text", text: content.text } };
}

function unopened(reading: Reading, entry: MessageEntry, failure: MlsFailure): ReadEntry {
  if (failure === "before_join") return nothingRead(reading);
  const { seq, message_id: messageId, sender } = entry;
  const followUps: FollowUp[] = [{ type: "failed", failure, seq, messageId, sender }];
  // A silent message that is lost leaves no gap that anybody could see.
  return entry.silent ? { ...nothingRead(reading), followUps } : { ...parked(reading, failure), followUps };
}

async function said(
  reader: MessageReader,
  reading: Reading,
  entry: MessageEntry,
  bytes: Uint8Array,
): Promise<ReadEntry> {
  const decoded = decodeContent(bytes);
  if ("parked" in decoded) return entry.silent ? nothingRead(reading) : parked(reading, decoded.parked);
  const { content } = decoded;
  const body: Message["body"] | null =
    content.type === "text" && !entry.silent ? { type: "text", text: content.text } : null;
  const changes =
    content.type === "resend"
      ? await reader.replaceParked(content.seq, content.message_id, entry.sender, content.text)
      : [];
  return { ...nothingRead(reading), body, changes, followUps: followUpsOf(content, entry, reader.self) };
}

function followUpsOf(content: Content, entry: MessageEntry, self: Self): FollowUp[] {
  switch (content.type) {
    case "text":
    case "profile_key": {
      const said = introductionIn(content);
      if (said === null || entry.sender.user_id === self.userId) return [];
      const key = base64.decode(said.key);
      return [{ type: "profile_key", userId: entry.sender.user_id, key, phone: said.phone }];
    }
    case "state_request":
      return [{ type: "state_wanted", hash: content.hash, asker: entry.sender }];
    case "state_part":
      return [{ type: "state_part", content, sender: entry.sender }];
    case "resend_request":
      return [
        { type: "resend_wanted", messageId: content.message_id, seq: content.seq, asker: entry.sender },
      ];
    default:
      return [];
  }
}
