/** Frames about getting entries out of a log: `hello`, `ack`, `read` up; `ready`, `entries`, `live`, receipts down. */
import { z } from "zod";
import { conversationStateSchema, entrySchema, positionSchema, watermarkSchema } from "./entry.ts";
import { errorCodeSchema, errorDetailsSchema } from "./errors.ts";
import { conversationIdSchema, logIdSchema, positionMacSchema, seqSchema } from "./ids.ts";

/** First frame on an inbox socket [D4]. `store_id` is the one the device last saw, null at first. */
export const helloInboxSchema = z.strictObject({
  type: z.literal("hello"),
  store_id: z.string().max(64).nullable(),
});
/** First frame on a chat socket: resume after this position; null is "from the first entry I may read". */
export const helloChatSchema = z.strictObject({
  type: z.literal("hello"),
  conversation_id: conversationIdSchema,
  position: positionSchema.nullable(),
});

/** [D1] Every entry up to `seq` is stored on this device. Cumulative. */
export const ackSchema = z.strictObject({
  type: z.literal("ack"),
  conversation_id: conversationIdSchema,
  seq: seqSchema.min(1),
});
/** [R1] The user has seen everything up to `seq`. Repeated until `read_confirmed`. */
export const readSchema = z.strictObject({
  type: z.literal("read"),
  conversation_id: conversationIdSchema,
  seq: seqSchema.min(1),
});

export const readyInboxSchema = z.object({
  type: z.literal("ready"),
  /** Another one than the device knows: compare the cursor of every chat once [L5]. */
  store_id: z.string(),
});
export const readyChatSchema = z.object({
  type: z.literal("ready"),
  conversation_id: conversationIdSchema,
  /** True when the position given is not of this log: drop the cursor, keep local messages marked, take what follows [L5]. */
  resync: z.boolean(),
  state: conversationStateSchema,
});

/** Entries of one conversation in order, backlog and live alike. `log_id` and `mac` prove the last one's position. */
export const entriesSchema = z.object({
  type: z.literal("entries"),
  conversation_id: conversationIdSchema,
  log_id: logIdSchema,
  entries: z.array(entrySchema),
  mac: positionMacSchema.optional(),
});
export type EntriesFrame = z.infer<typeof entriesSchema>;

/** [F9] Of these the device lacks more than is held for it: it reads them up to date by pages, then acknowledges [D3]. */
export const marksSchema = z.object({
  type: z.literal("marks"),
  conversation_ids: z.array(conversationIdSchema),
});

/** [E6] Few of this device's one-time key packages are left: it uploads more. */
export const keysLowSchema = z.object({ type: z.literal("keys_low") });

/** Nothing is stored for this device any more: what comes now is live [D4]. */
export const liveSchema = z.object({
  type: z.literal("live"),
  conversation_id: conversationIdSchema.optional(),
});

export const receiptsSchema = z.object({
  type: z.literal("receipts"),
  conversation_id: conversationIdSchema,
  receipts: z.array(watermarkSchema),
});
export const readConfirmedSchema = z.object({
  type: z.literal("read_confirmed"),
  conversation_id: conversationIdSchema,
  seq: seqSchema,
});

/** A frame that could not be taken; the connection stays. */
export const errorFrameSchema = z.object({
  type: z.literal("error"),
  conversation_id: conversationIdSchema.optional(),
  code: errorCodeSchema,
  message: z.string(),
  ...errorDetailsSchema.shape,
});

/** A page of the log [D3]: entries after `after`, in order, dense. */
export const pageSchema = z.object({
  conversation_id: conversationIdSchema,
  log_id: logIdSchema,
  head: seqSchema,
  /** First seq this device may read; a page never starts below it. */
  first_seq: seqSchema,
  entries: z.array(entrySchema),
  /** True when entries after the last one here exist. */
  more: z.boolean(),
  /** MAC of the last entry's position; absent on an empty page. */
  mac: positionMacSchema.optional(),
});
export type Page = z.infer<typeof pageSchema>;
