/**
 * Identifiers and the small values that every frame is made of.
 * All ids are opaque to whoever did not make them; only `message_id` carries a time, and only as a sanity check.
 */
import { z } from "zod";

/** 16 random bytes in base64url: 22 characters. */
export const userIdSchema = z.string().regex(/^[A-Za-z0-9_-]{22}$/, "a user id is 22 base64url characters");
/** Given by the Account, counting from 1 within a user, never reused. */
export const deviceIdSchema = z.int().min(1).max(0x7fff_ffff);
/** SHA-256 in base64url: 43 characters. It follows from a direct chat's two users, or from a group's founding [E15]. */
export const conversationIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, "a conversation id is 43 base64url characters");
/** 16 random bytes in base64url naming one history of a conversation [L5]. */
export const logIdSchema = z.string().regex(/^[A-Za-z0-9_-]{22}$/, "a log id is 22 base64url characters");
/** UUIDv7 in lower case, made by the client: the idempotency key of the device that made it [L3]. */
export const messageIdSchema = z
  .string()
  .regex(
    /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    "a message id is a lower-case UUIDv7",
  );

/** Position in a log, counting from 1; 0 stands for "before the first". */
export const seqSchema = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
/** Which MLS group of a conversation, counting from 1: a further one is founded when one is wrecked or lost [E15]. */
export const generationSchema = z.int().min(1).max(0x7fff_ffff);
/** MLS epoch, counting from 0 within a generation; 0 is the founder's alone. */
export const epochSchema = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
/** SHA-256 of bytes, base64url without padding: 43 characters. */
export const blobHashSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "a hash is 43 base64url characters");
/** Milliseconds since 1970, the server's clock. */
export const timestampSchema = z.int().min(0);
/** HMAC-SHA-256 of the Conversation over a position, truncated to 16 bytes, base64url. */
export const positionMacSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{22}$/, "a position MAC is 22 base64url characters");

/** Not strict, like all that devices are told: a server one version ahead may say more. */
export const deviceRefSchema = z.object({ user_id: userIdSchema, device_id: deviceIdSchema });
export type DeviceRef = z.infer<typeof deviceRefSchema>;

/** Milliseconds since 1970 that a UUIDv7 carries in its first 48 bits. */
export function messageIdTime(messageId: string): number {
  return Number.parseInt(messageId.slice(0, 8) + messageId.slice(9, 13), 16);
}

/** `user.device`, the key under which maps hold a device. */
export function deviceKey(device: DeviceRef): string {
  return `${device.user_id}.${device.device_id}`;
}

/** The id of the direct chat of two users: SHA-256("direct" ‖ both user ids, sorted), base64url (E15). */
export async function directConversationId(one: string, other: string): Promise<string> {
  const sorted = [one, other].sort();
  return await hashedId(`direct${sorted[0]}${sorted[1]}`);
}

/**
 * The id of a new group: SHA-256("group" ‖ founder's user id ‖ message id of the founding), base64url (E15). Whoever could
 * choose it freely could take the id of two others' direct chat before they do.
 */
export async function groupConversationId(founderId: string, messageId: string): Promise<string> {
  return await hashedId(`group${founderId}${messageId}`);
}

async function hashedId(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const base64 = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
