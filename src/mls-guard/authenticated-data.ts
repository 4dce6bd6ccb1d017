/**
 * What a message and a commit say in the clear, under the sender's signature (E13, E16, E20). One length per kind, so
 * that it tells the server nothing but the kind (E1).
 *
 * message: kind 1 · message_id 16 · base_seq 8 · H(base_seq) 32 · state hash 32 · commitment 32
 * commit:  kind 2 · message_id 16 · base_seq 8 · H(base_seq) 32 · hash of the new state 32
 */
import { hex } from "@scure/base";
import { Reader } from "./reader.ts";
import { refuse } from "./refusal.ts";

export interface LogPosition {
  /** Lower-case UUIDv7. */
  messageId: string;
  /** The sender held the log up to here, … */
  baseSeq: number;
  /** … and this is H of it. */
  baseHash: Uint8Array;
}
export interface MessageData extends LogPosition {
  kind: "message";
  stateHash: Uint8Array;
  /** HMAC-SHA-256(k, content). */
  commitment: Uint8Array;
}
export interface CommitData extends LogPosition {
  kind: "commit";
  /** Of the group's state after this commit. */
  stateHash: Uint8Array;
}
export type AuthenticatedData = MessageData | CommitData;

const kinds = { message: 1, commit: 2 } as const;
export const authenticatedBytes = { message: 121, commit: 89 } as const;

export function encodeAuthenticatedData(data: AuthenticatedData): Uint8Array {
  const bytes = new Uint8Array(authenticatedBytes[data.kind]);
  bytes[0] = kinds[data.kind];
  bytes.set(messageIdBytes(data.messageId), 1);
  new DataView(bytes.buffer).setBigUint64(17, BigInt(data.baseSeq));
  bytes.set(data.baseHash, 25);
  bytes.set(data.stateHash, 57);
  if (data.kind === "message") bytes.set(data.commitment, 89);
  return bytes;
}

export function readMessageData(bytes: Uint8Array): MessageData {
  const reader = readerFor(bytes, "message");
  const shared = readShared(reader);
  return { kind: "message", ...shared, commitment: reader.bytes(32) };
}

export function readCommitData(bytes: Uint8Array): CommitData {
  return { kind: "commit", ...readShared(readerFor(bytes, "commit")) };
}

function readerFor(bytes: Uint8Array, kind: keyof typeof kinds): Reader {
  if (bytes.length !== authenticatedBytes[kind]) refuse("authenticated_data");
  const reader = new Reader(bytes);
  if (reader.uint8() !== kinds[kind]) refuse("authenticated_data");
  return reader;
}

function readShared(reader: Reader): LogPosition & { stateHash: Uint8Array } {
  return {
    messageId: messageIdFrom(reader.bytes(16)),
    baseSeq: reader.uint64(),
    baseHash: reader.bytes(32),
    stateHash: reader.bytes(32),
  };
}

export function messageIdBytes(messageId: string): Uint8Array {
  const bytes = hex.decode(messageId.replaceAll("-", ""));
  if (bytes.length !== 16) throw new Error("a message id is a UUID");
  return bytes;
}

function messageIdFrom(bytes: Uint8Array): string {
  return hex.encode(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
