/**
 * The codec between what a person writes and the envelope the server carries. The only file that knows what is inside
 * an envelope. Until encryption comes (encryption.md) that is base64 of UTF-8 JSON; both directions are asynchronous
 * already, because keys will be.
 */
import { z } from "zod";
import { limits } from "../protocol/limits.ts";

export const profileSchema = z.object({ name: z.string().max(64), phone: z.string().max(32) });
export type Profile = z.infer<typeof profileSchema>;
/** What the sender knows of the other side: it gives a newly joined device of the sender's own a title to show. */
const peerSchema = z.object({ name: z.string().max(64).nullable(), phone: z.string().max(32).nullable() });

export const textContentSchema = z.object({
  v: z.literal(1),
  type: z.literal("text"),
  text: z.string().max(limits.textCharsMax),
  /** With the first message this device sends into a chat, and the first after somebody's device joined it. */
  profile: profileSchema.optional(),
  peer: peerSchema.optional(),
});
export const foundingContentSchema = z.object({
  v: z.literal(1),
  type: z.literal("founding"),
  profile: profileSchema,
  peer: peerSchema.optional(),
});
export const deviceJoinedContentSchema = z.object({ v: z.literal(1), type: z.literal("device_joined") });
export const contentSchema = z.discriminatedUnion("type", [
  textContentSchema,
  foundingContentSchema,
  deviceJoinedContentSchema,
]);
export type Content = z.infer<typeof contentSchema>;
export type TextContent = z.infer<typeof textContentSchema>;

/** [D8] Why an envelope was parked: it is kept, and an app that knows more can take it up again. */
export type ParkReason = "not_decodable" | "unknown_version" | "unknown_type" | "wrong_form";
export type Decoded = { content: Content } | { parked: ParkReason };

const headSchema = z.object({ v: z.number(), type: z.string() });

export async function encodeContent(content: Content): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export async function decodeContent(envelope: string): Promise<Decoded> {
  const json = readJson(envelope);
  if (json === undefined) return { parked: "not_decodable" };
  const content = contentSchema.safeParse(json);
  if (content.success) return { content: content.data };
  const head = headSchema.safeParse(json);
  if (!head.success) return { parked: "wrong_form" };
  if (head.data.v !== 1) return { parked: "unknown_version" };
  const isKnown = ["text", "founding", "device_joined"].includes(head.data.type);
  return { parked: isKnown ? "wrong_form" : "unknown_type" };
}

function readJson(envelope: string): unknown {
  try {
    const bytes = Uint8Array.from(atob(envelope), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
