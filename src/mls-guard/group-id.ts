/** [E1] A generation of a conversation is one MLS group: its id is the conversation's id and the generation. */
import { base64urlnopad } from "@scure/base";
import { Reader } from "./reader.ts";
import { refuse } from "./refusal.ts";

export interface Generation {
  conversationId: string;
  /** Counts from 1 within a conversation. */
  generation: number;
}

export const groupIdBytes = 32 + 4;

export function encodeGroupId({ conversationId, generation }: Generation): Uint8Array {
  const bytes = new Uint8Array(groupIdBytes);
  bytes.set(base64urlnopad.decode(conversationId));
  new DataView(bytes.buffer).setUint32(32, generation);
  return bytes;
}

export function readGroupId(bytes: Uint8Array): Generation {
  if (bytes.length !== groupIdBytes) refuse("wrong_group");
  const reader = new Reader(bytes);
  return { conversationId: base64urlnopad.encode(reader.bytes(32)), generation: reader.uint32() };
}
