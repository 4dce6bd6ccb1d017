/**
 * What a message says, inside the encryption: versioned JSON. The only file that knows its forms. What is not shown in a
 * chat (keys, requests, repairs) travels as `silent` messages of the same kind.
 */
import { z } from "zod";
import { messageIdSchema, seqSchema } from "../protocol/ids.ts";
import { limits } from "../protocol/limits.ts";

const v = z.literal(1);

/** Opens the sender's profile; the number is only the sender's word. */
const introductionSchema = { key: z.base64().length(44), phone: z.string().max(32) };
export const textContentSchema = z.object({
  v,
  type: z.literal("text"),
  text: z.string().max(limits.textCharsMax),
  /** With the first text of this device in a chat, and the first after somebody came in. */
  profile: z.object(introductionSchema).optional(),
});
/** The same by itself, after a founding. */
export const profileKeyContentSchema = z.object({ v, type: z.literal("profile_key"), ...introductionSchema });
/** [E16] A device that came in by external commit asks for the state with this hash. */
export const stateRequestContentSchema = z.object({
  v,
  type: z.literal("state_request"),
  hash: z.base64().length(44),
});
/** The state document in parts: with a picture it is larger than one message. */
export const statePartContentSchema = z.object({
  v,
  type: z.literal("state_part"),
  hash: z.base64().length(44),
  index: z.int().min(0),
  count: z.int().min(1).max(limits.statePartsMax),
  bytes: z.base64().max(Math.ceil(limits.statePartBytesMax / 3) * 4),
});
/** [E9] A message that could not be opened, and the answer from the sender's own copy. */
export const resendRequestContentSchema = z.object({
  v,
  type: z.literal("resend_request"),
  message_id: messageIdSchema,
  seq: seqSchema.min(1),
});
export const resendContentSchema = z.object({
  v,
  type: z.literal("resend"),
  message_id: messageIdSchema,
  seq: seqSchema.min(1),
  text: z.string().max(limits.textCharsMax),
});
export const contentSchema = z.discriminatedUnion("type", [
  textContentSchema,
  profileKeyContentSchema,
  stateRequestContentSchema,
  statePartContentSchema,
  resendRequestContentSchema,
  resendContentSchema,
]);
export type Content = z.infer<typeof contentSchema>;
export type TextContent = z.infer<typeof textContentSchema>;
const knownTypes: ReadonlySet<string> = new Set(
  contentSchema.options.map((option) => option.shape.type.value),
);

/** Who the sender is, if the content says so. */
export function introductionIn(content: Content): { key: string; phone: string } | null {
  if (content.type === "profile_key") return content;
  return content.type === "text" ? (content.profile ?? null) : null;
}

/** [D8] Why a content was parked: it is kept, and an app that knows more can take it up again. */
export type ParkReason = "not_decodable" | "unknown_version" | "unknown_type" | "wrong_form";
export type Decoded = { content: Content } | { parked: ParkReason };

const headSchema = z.object({ v: z.number(), type: z.string() });

export function encodeContent(content: Content): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(content));
}

export function decodeContent(bytes: Uint8Array): Decoded {
  const json = readJson(bytes);
  if (json === undefined) return { parked: "not_decodable" };
  const content = contentSchema.safeParse(json);
  if (content.success) return { content: content.data };
  const head = headSchema.safeParse(json);
  if (!head.success) return { parked: "wrong_form" };
  if (head.data.v !== 1) return { parked: "unknown_version" };
  return { parked: knownTypes.has(head.data.type) ? "wrong_form" : "unknown_type" };
}

export function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
