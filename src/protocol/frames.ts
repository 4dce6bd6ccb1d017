/**
 * The unions of what may travel on a socket. Every text frame is a JSON array of these, both ways;
 * besides it there is only the heartbeat: the text `ping`, answered with `pong` without waking the object [P1].
 */
import { z } from "zod";
import {
  ackSchema,
  entriesSchema,
  errorFrameSchema,
  helloChatSchema,
  helloInboxSchema,
  keysLowSchema,
  liveSchema,
  marksSchema,
  readConfirmedSchema,
  readSchema,
  readyChatSchema,
  readyInboxSchema,
  receiptsSchema,
} from "./receive.ts";
import { acceptedSchema, proceedSchema, refusedSchema, sendSchema } from "./send.ts";

export const ping = "ping";
export const pong = "pong";

const conversationUp = [sendSchema, proceedSchema, ackSchema, readSchema] as const;

/** Client → Conversation, on the socket of a chat that is on screen. */
export const chatUpSchema = z.discriminatedUnion("type", [helloChatSchema, ...conversationUp]);
export type ChatUp = z.infer<typeof chatUpSchema>;
/** Client → Inbox, on the one inbox socket of the device. */
export const inboxUpSchema = z.discriminatedUnion("type", [helloInboxSchema, ...conversationUp]);
export type InboxUp = z.infer<typeof inboxUpSchema>;

const conversationDown = [
  acceptedSchema,
  refusedSchema,
  entriesSchema,
  liveSchema,
  receiptsSchema,
  readConfirmedSchema,
  errorFrameSchema,
] as const;

export const chatDownSchema = z.discriminatedUnion("type", [readyChatSchema, ...conversationDown]);
export type ChatDown = z.infer<typeof chatDownSchema>;
export const inboxDownSchema = z.discriminatedUnion("type", [
  readyInboxSchema,
  marksSchema,
  keysLowSchema,
  ...conversationDown,
]);
export type InboxDown = z.infer<typeof inboxDownSchema>;
