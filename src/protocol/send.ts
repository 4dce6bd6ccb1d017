/** Frames about putting messages into a log: `send`, `proceed` up; `accepted`, `refused` down. */
import { z } from "zod";
import { envelopeSchema } from "./entry.ts";
import { errorCodeSchema, errorDetailsSchema } from "./errors.ts";
import {
  conversationIdSchema,
  epochSchema,
  generationSchema,
  logIdSchema,
  messageIdSchema,
  positionMacSchema,
  seqSchema,
  timestampSchema,
} from "./ids.ts";

export const sendSchema = z.strictObject({
  type: z.literal("send"),
  conversation_id: conversationIdSchema,
  message_id: messageIdSchema,
  generation: generationSchema,
  epoch: epochSchema,
  /** The head the device knew: the id is looked for after it [L3]. */
  base_seq: seqSchema,
  silent: z.boolean().default(false),
  envelope: envelopeSchema,
});
export type Send = z.infer<typeof sendSchema>;

/** [L7] The device has mended what was refused (or gives it up); its sends are taken again. */
export const proceedSchema = z.strictObject({
  type: z.literal("proceed"),
  conversation_id: conversationIdSchema,
});

/** The sender's one tick: the entry is durable [L2]. A resend of an id gets the same seq and time [L3]. */
export const acceptedSchema = z.object({
  type: z.literal("accepted"),
  conversation_id: conversationIdSchema,
  message_id: messageIdSchema,
  seq: seqSchema.min(1),
  sent_at: timestampSchema,
  log_id: logIdSchema,
  /** MAC over (log_id, seq, message_id). On the last of a flush for this device, and on every HTTP answer. */
  mac: positionMacSchema.optional(),
});
export type Accepted = z.infer<typeof acceptedSchema>;

export const refusedSchema = z.object({
  type: z.literal("refused"),
  conversation_id: conversationIdSchema,
  message_id: messageIdSchema,
  code: errorCodeSchema,
  message: z.string(),
  ...errorDetailsSchema.shape,
});
export type Refused = z.infer<typeof refusedSchema>;
