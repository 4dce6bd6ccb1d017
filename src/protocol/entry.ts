/** What a log holds: messages and commits, and `skip` in the place of what a reader may not have. */
import { z } from "zod";
import {
  conversationIdSchema,
  deviceRefSchema,
  epochSchema,
  generationSchema,
  logIdSchema,
  messageIdSchema,
  positionMacSchema,
  seqSchema,
  timestampSchema,
} from "./ids.ts";
import { limits } from "./limits.ts";
import { blobSchema, roleSchema, rosterChangeSchema, suiteSchema } from "./mls.ts";

/** Opaque bytes in standard base64. The server never looks inside. */
export const envelopeSchema = z.base64().max(Math.ceil(limits.envelopeBytesMax / 3) * 4);

const common = {
  seq: seqSchema.min(1),
  message_id: messageIdSchema,
  sender: deviceRefSchema,
  /** The Conversation's clock, never decreasing along the log [L4]. */
  sent_at: timestampSchema,
};

export const messageEntrySchema = z.object({
  kind: z.literal("message"),
  ...common,
  epoch: epochSchema,
  /** Reaction, edit, deletion, settings, repair: never counts as unread, pushes or gives receipts [L8]. */
  silent: z.boolean(),
  envelope: envelopeSchema,
});
export const commitEntrySchema = z.object({
  kind: z.literal("commit"),
  ...common,
  /** A founding raises it by one, and its epoch is 0. */
  generation: generationSchema,
  /** The epoch the commit was made in; the next entry's is one higher. */
  epoch: epochSchema,
  /** A PublicMessage. */
  envelope: blobSchema,
  sealed_state: blobSchema.nullable(),
  roster_change: rosterChangeSchema,
});
/** [E14] The user leaves with all its devices; the next member's client commits their Remove. Silent. */
export const leaveEntrySchema = z.object({
  kind: z.literal("leave"),
  ...common,
  generation: generationSchema,
  epoch: epochSchema,
  /** The leave statement's signature. */
  envelope: z.base64().max(88),
});
/** [D3] Keeps the place of an entry whose body the reader may not have. */
export const skipEntrySchema = z.object({
  kind: z.literal("skip"),
  ...common,
  reason: z.enum(["withheld", "erased"]),
  /** SHA-256 of the body, base64, for the hash chain (E13). */
  body_hash: z.base64(),
});
export const entrySchema = z.discriminatedUnion("kind", [
  messageEntrySchema,
  commitEntrySchema,
  leaveEntrySchema,
  skipEntrySchema,
]);
export type Entry = z.infer<typeof entrySchema>;

/** A place in a log, with the Conversation's MAC over it: what counts as evidence in [L5]. */
export const positionSchema = z.object({
  log_id: logIdSchema,
  seq: seqSchema.min(1),
  message_id: messageIdSchema,
  mac: positionMacSchema,
});
export type Position = z.infer<typeof positionSchema>;

/** Watermarks of one member [R1]: monotonic, read ≤ delivered. */
export const watermarkSchema = z.object({ user_id: z.string(), delivered: seqSchema, read: seqSchema });
export type Watermark = z.infer<typeof watermarkSchema>;

export const memberSchema = z.object({
  user_id: z.string(),
  role: roleSchema,
  joined_seq: seqSchema,
  joined_at: timestampSchema,
  devices: z.array(z.int()),
  delivered: seqSchema,
  read: seqSchema,
});
export type Member = z.infer<typeof memberSchema>;

/** A conversation as one of its devices may see it. */
export const conversationStateSchema = z.object({
  conversation_id: conversationIdSchema,
  kind: z.enum(["direct", "group"]),
  log_id: logIdSchema,
  generation: generationSchema,
  suite: suiteSchema,
  epoch: epochSchema,
  head: seqSchema,
  last_activity_at: timestampSchema,
  /** First seq the asking device may read; null while the device is not in the roster and must commit itself in. */
  first_seq: seqSchema.nullable(),
  members: z.array(memberSchema),
  /** [E14] Devices that the next commit must remove: of those who left, and those that were logged out. */
  to_remove: z.array(deviceRefSchema),
  /** Position of the head, so that a device that joins here can prove it later. */
  position: positionSchema,
});
export type ConversationState = z.infer<typeof conversationStateSchema>;
