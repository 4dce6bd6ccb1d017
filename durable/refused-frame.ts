/** A refusal as a device sees it. */
import type { z } from "zod";
import { errorMessage } from "../src/protocol/errors.ts";
import type { errorFrameSchema } from "../src/protocol/receive.ts";
import type { Refused } from "../src/protocol/send.ts";
import type { Refusal } from "./rpc.ts";

export function refusedFrame(conversationId: string, messageId: string, refusal: Refusal): Refused {
  return {
    type: "refused",
    conversation_id: conversationId,
    message_id: messageId,
    code: refusal.code,
    message: errorMessage(refusal.code),
    ...refusal.details,
  };
}

/** For a frame that is not a send; `conversationId` when it named one. */
export function errorFrame(refusal: Refusal, conversationId?: string): z.infer<typeof errorFrameSchema> {
  return {
    type: "error",
    ...(conversationId !== undefined && { conversation_id: conversationId }),
    code: refusal.code,
    message: errorMessage(refusal.code),
    ...refusal.details,
  };
}
