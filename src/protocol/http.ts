/** Bodies of the HTTP routes under `/v1`. Errors are `errorBodySchema`; every other answer is one of these. */
import { z } from "zod";
import { errorCodeSchema } from "./errors.ts";
import {
  conversationIdSchema,
  deviceIdSchema,
  deviceRefSchema,
  epochSchema,
  generationSchema,
  messageIdSchema,
  seqSchema,
  timestampSchema,
  userIdSchema,
} from "./ids.ts";
import { limits } from "./limits.ts";
import { blobSchema, commitObjectsSchema, rosterChangeSchema } from "./mls.ts";
import { entriesSchema } from "./receive.ts";
import { sendSchema } from "./send.ts";

// GET /v1/health
export const healthSchema = z.object({ status: z.literal("ok"), protocol: z.int(), environment: z.string() });

// POST /v1/auth/code
export const codeRequestSchema = z.strictObject({ phone: z.string().max(32) });
export const codeAnswerSchema = z.object({
  expires_in_seconds: z.int(),
  /** Only in local development: the code itself, so that the page can show it. */
  development_code: z.string().optional(),
});

// POST /v1/auth/verify
export const verifyRequestSchema = z.strictObject({
  phone: z.string().max(32),
  code: z.string().regex(/^\d{4,10}$/),
  /** Random per installation of a client: verifying again from it, while the code lives, gives the same device. */
  installation_id: z.uuid(),
  device_name: z.string().trim().min(1).max(limits.deviceNameCharsMax),
});
export const tokensSchema = z.object({
  user_id: userIdSchema,
  device_id: deviceIdSchema,
  access_token: z.string(),
  access_expires_at: timestampSchema,
  refresh_token: z.string(),
});
export type Tokens = z.infer<typeof tokensSchema>;

// POST /v1/auth/refresh  → tokens · POST /v1/auth/logout (no body) → {}
export const refreshRequestSchema = z.strictObject({ refresh_token: z.string().max(256) });

// POST /v1/directory/lookup
export const lookupRequestSchema = z.strictObject({ phone: z.string().max(32) });
export const lookupAnswerSchema = z.object({ user_id: userIdSchema, phone: z.string() });

// GET /v1/users/:user_id/devices
export const userDevicesSchema = z.object({ user_id: userIdSchema, devices: z.array(deviceIdSchema) });

// GET /v1/account/devices · DELETE /v1/account/devices/:device_id
export const accountDevicesSchema = z.object({
  devices: z.array(
    z.object({
      device_id: deviceIdSchema,
      name: z.string(),
      created_at: timestampSchema,
      is_this: z.boolean(),
    }),
  ),
});

// PUT /v1/conversations/:conversation_id : found a chat or a further generation of it (E15) → conversation state
export const foundRequestSchema = z.strictObject({
  message_id: messageIdSchema,
  kind: z.enum(["direct", "group"]),
  /** The generation to be founded: 1 for a new chat. A compare-and-set: the loser gets `already_founded`. */
  generation: generationSchema,
  /** The founder's own device first, then every device the founding commit adds, in the order of its Adds. */
  devices: z
    .array(deviceRefSchema)
    .min(1)
    .max(limits.devicesPerCommitMax + 1),
  /** The founder's commit of epoch 0. */
  envelope: blobSchema,
  ...commitObjectsSchema.shape,
});
export type FoundRequest = z.infer<typeof foundRequestSchema>;

// GET /v1/conversations/:conversation_id → conversationStateSchema
// GET /v1/conversations/:conversation_id/entries?after=&limit= → pageSchema
export const pageQuerySchema = z.strictObject({
  after: z.coerce.number().pipe(seqSchema),
  limit: z.coerce.number().int().min(1).max(limits.pageEntriesMax).default(limits.pageEntriesMax),
});

// POST /v1/conversations/:conversation_id/messages, /commits → acceptedSchema, or an error
export const messageRequestSchema = sendSchema.omit({ type: true, conversation_id: true });
/** [E2] For the current epoch only; on acceptance the epoch rises by one and the roster changes in one transaction. */
export const commitRequestSchema = z.strictObject({
  message_id: messageIdSchema,
  generation: generationSchema,
  epoch: epochSchema,
  base_seq: seqSchema,
  envelope: blobSchema,
  roster_change: rosterChangeSchema,
  ...commitObjectsSchema.shape,
});
export type CommitRequest = z.infer<typeof commitRequestSchema>;

// PUT /v1/conversations/:conversation_id/blobs/:hash : raw bytes, before the entry that names them → {}
// GET the same → the bytes, for members' devices

/** What a device reports of its progress in one conversation. */
export const reportSchema = z.strictObject({
  conversation_id: conversationIdSchema,
  acked: seqSchema.optional(),
  read: seqSchema.optional(),
});

// POST /v1/inbox/poll: receiving without a socket; acknowledge, then wait for what is stored.
export const pollRequestSchema = z.strictObject({
  reports: z.array(reportSchema).max(limits.backlogConversationsMax).default([]),
  wait_ms: z.int().min(0).max(limits.pollWaitMsMax).default(0),
});
export const pollAnswerSchema = z.object({
  store_id: z.string(),
  frames: z.array(entriesSchema),
  /** [F9] As the frame `marks`. */
  marks: z.array(conversationIdSchema).default([]),
  /** True when nothing more is stored for this device. */
  live: z.boolean(),
  refused: z.array(z.object({ conversation_id: conversationIdSchema, code: errorCodeSchema })),
});

// GET /v1/inbox/conversations?before= : newest first
export const chatListQuerySchema = z.strictObject({ before: z.string().max(64).optional() });
export const chatListSchema = z.object({
  conversations: z.array(
    z.object({
      conversation_id: conversationIdSchema,
      kind: z.enum(["direct", "group"]),
      last_activity_at: timestampSchema,
    }),
  ),
  /** Pass as `before` for the next page; null at the end. */
  next: z.string().nullable(),
});
