/**
 * [E16] The state a conversation carries inside its encryption, and the profile of a user under its key: two documents
 * with a schema each. Pictures are base64 in them, bytes everywhere else.
 */
import { base64 } from "@scure/base";
import { z } from "zod";
import { userIdSchema } from "../protocol/ids.ts";
import { limits } from "../protocol/limits.ts";
import { roleSchema } from "../protocol/mls.ts";
import { readJson } from "./content.ts";

const pictureSchema = z.base64().max(Math.ceil(limits.pictureBytesMax / 3) * 4);
const nameSchema = z.string().trim().max(limits.nameCharsMax);

const groupStateSchema = z.object({
  v: z.literal(1),
  kind: z.literal("group"),
  name: nameSchema,
  picture: pictureSchema.nullable(),
  /** Owner and admins; everybody else is a member. */
  roles: z.array(z.object({ user_id: userIdSchema, role: roleSchema })).max(limits.membersPerGroupMax),
});
const directStateSchema = z.object({ v: z.literal(1), kind: z.literal("direct") });
const stateSchema = z.discriminatedUnion("kind", [groupStateSchema, directStateSchema]);
export type ConversationContent = z.infer<typeof stateSchema>;
export type GroupState = z.infer<typeof groupStateSchema>;

export const directState: ConversationContent = { v: 1, kind: "direct" };

export function encodeState(state: ConversationContent): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(state));
}
export function decodeState(content: Uint8Array): ConversationContent | null {
  return stateSchema.safeParse(readJson(content)).data ?? null;
}

const profileContentSchema = z.object({
  v: z.literal(1),
  name: nameSchema,
  picture: pictureSchema.nullable(),
});
export interface ProfileContent {
  name: string;
  picture: Uint8Array | null;
}

export function encodeProfile({ name, picture }: ProfileContent): Uint8Array {
  const content = { v: 1, name, picture: picture === null ? null : base64.encode(picture) };
  return new TextEncoder().encode(JSON.stringify(content));
}
export function decodeProfile(content: Uint8Array): ProfileContent | null {
  const profile = profileContentSchema.safeParse(readJson(content)).data;
  if (profile === undefined) return null;
  return { name: profile.name, picture: profile.picture === null ? null : base64.decode(profile.picture) };
}
