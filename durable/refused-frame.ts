/** A refusal as a device sees it. */
import { errorMessage } from "../src/protocol/errors.ts";
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
