/**
 * A socket message into frames, at the boundary of an object: size, form, JSON, schema, in that order.
 * What is not an array of frames closes the socket (the client is broken); one bad frame among good ones is answered.
 */
import type { z } from "zod";
import type { CloseName } from "../src/protocol/close-codes.ts";
import { whereOf } from "../src/protocol/errors.ts";
import { conversationIdSchema, messageIdSchema } from "../src/protocol/ids.ts";
import { limits } from "../src/protocol/limits.ts";

/** A frame that is not of the protocol; `messageId` when it tried to send something, which then pauses the lane [L7]. */
export interface BadFrame {
  type: "bad";
  where: string;
  isSend: boolean;
  messageId: string | null;
  conversationId: string | null;
}

export type ReadResult<T> = { frames: (T | BadFrame)[] } | { close: CloseName };

export function readFrames<T>(message: string | ArrayBuffer, schema: z.ZodType<T>): ReadResult<T> {
  if (typeof message !== "string") return { close: "badFrame" };
  if (message.length > limits.frameBytesMax) return { close: "tooLarge" };
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return { close: "badFrame" };
  }
  if (!Array.isArray(parsed)) return { close: "badFrame" };
  if (parsed.length > limits.framesPerArrayMax) return { close: "tooLarge" };
  return { frames: parsed.map((frame) => readFrame(frame, schema)) };
}

function readFrame<T>(frame: unknown, schema: z.ZodType<T>): T | BadFrame {
  const result = schema.safeParse(frame);
  if (result.success) return result.data;
  const fields = typeof frame === "object" && frame !== null ? (frame as Record<string, unknown>) : {};
  const messageId = messageIdSchema.safeParse(fields.message_id);
  const conversationId = conversationIdSchema.safeParse(fields.conversation_id);
  return {
    type: "bad",
    where: whereOf(result.error),
    isSend: fields.type === "send",
    messageId: messageId.success ? messageId.data : null,
    conversationId: conversationId.success ? conversationId.data : null,
  };
}
