/** What the tabs of one browser say to each other. Tabs may run different versions of the app, so it is parsed. */
import { z } from "zod";
import { errorCodeSchema, errorDetailsSchema, ProtocolError } from "../../protocol/errors.ts";
import { ConnectionError } from "../connection-error.ts";
import type { ConnectionState, KittiwakeEvent } from "../contract.ts";
import { EncryptionError } from "../groups/encryption-error.ts";

export const methodSchema = z.enum([
  "write",
  "retry",
  "discard",
  "markRead",
  "startChat",
  "findUser",
  "createGroup",
  "addMembers",
  "removeMember",
  "setRole",
  "renameGroup",
  "setGroupPicture",
  "leaveGroup",
  "setProfile",
  "devices",
  "revokeDevice",
  "logOut",
  "wake",
  "poll",
]);
export type Method = z.infer<typeof methodSchema>;

const failureSchema = z.object({
  kind: z.enum(["protocol", "connection", "encryption", "other"]),
  /** An error code of the protocol, or of the encryption. */
  code: z.string().optional(),
  details: errorDetailsSchema.optional(),
  message: z.string(),
});
export type Failure = z.infer<typeof failureSchema>;

export const tabMessageSchema = z.discriminatedUnion("type", [
  /** Follower → leader: do this for me. Repeated under the same id to a new leader. */
  z.object({
    type: z.literal("call"),
    id: z.string(),
    method: methodSchema,
    values: z.array(z.unknown()),
    isRepeat: z.boolean().default(false),
  }),
  z.object({
    type: z.literal("answer"),
    id: z.string(),
    value: z.unknown(),
    failure: failureSchema.optional(),
  }),
  /** Leader → followers. */
  z.object({
    type: z.literal("leads"),
    state: z.custom<ConnectionState>((value) => typeof value === "object"),
  }),
  z.object({
    type: z.literal("event"),
    event: z.custom<KittiwakeEvent>((value) => typeof value === "object"),
  }),
  /** Follower → leader: who leads? Answered with `leads`. */
  z.object({ type: z.literal("joined") }),
  /** Follower → leader: the chats on this tab's screen, said again now and then. */
  z.object({ type: z.literal("screen"), tab: z.string(), chats: z.array(z.string()) }),
  /** The log-in in the store has changed. */
  z.object({ type: z.literal("session") }),
]);
export type TabMessage = z.infer<typeof tabMessageSchema>;

export function failureOf(error: unknown): Failure {
  if (error instanceof ProtocolError) {
    return { kind: "protocol", code: error.code, details: error.details, message: error.message };
  }
  if (error instanceof EncryptionError)
    return { kind: "encryption", code: error.code, message: error.message };
  const message = error instanceof Error ? error.message : "Something went wrong. Try again.";
  return { kind: error instanceof ConnectionError ? "connection" : "other", message };
}

export function errorFrom({ kind, code, details, message }: Failure): Error {
  const known = errorCodeSchema.safeParse(code);
  if (kind === "protocol" && known.success) return new ProtocolError(known.data, details ?? {});
  if (kind === "encryption" && code !== undefined) return new EncryptionError(code);
  return kind === "connection" ? new ConnectionError(message) : new Error(message);
}
