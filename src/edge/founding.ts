/**
 * Founding a direct chat (E15): its id must follow from its two users, and every device named must be an active one of
 * theirs. Both are checked here, against the Accounts; the Conversation then decides who comes first.
 */
import { accountStub, conversationStub } from "../../durable/names.ts";
import type { Bindings } from "../config.ts";
import type { ConversationState } from "../protocol/entry.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { FoundRequest } from "../protocol/http.ts";
import { type DeviceRef, deviceKey, directConversationId } from "../protocol/ids.ts";

export async function foundConversation(
  env: Bindings,
  author: DeviceRef,
  conversationId: string,
  request: FoundRequest,
): Promise<ConversationState> {
  const other = otherUser(author, request.devices);
  if ((await directConversationId(author.user_id, other)) !== conversationId) {
    throw new ProtocolError("bad_roster", { where: "conversation_id: is not of these two users" });
  }
  const conversation = conversationStub(env, conversationId);
  const areActive = await Promise.all(
    [author.user_id, other].map((user) => isActive(env, user, request.devices)),
  );
  // A repeat of a founding that succeeded gets its answer [L3], even if one of its devices was logged out since:
  // a conversation that exists founds nothing, it only says what there is.
  if (areActive.includes(false) && (await conversation.state(author)) === null)
    throw badDevices("are active");
  const outcome = await conversation.found({ author, ...request });
  if ("refused" in outcome) throw new ProtocolError(outcome.refused.code, outcome.refused.details);
  return outcome.state;
}

/** The one user besides the author whom the devices belong to. */
function otherUser(author: DeviceRef, devices: readonly DeviceRef[]): string {
  const users = new Set(devices.map((device) => device.user_id));
  users.delete(author.user_id);
  const [other] = users;
  if (other === undefined || users.size !== 1) throw badDevices("belong to two users");
  const keys = new Set(devices.map(deviceKey));
  if (keys.size !== devices.length) throw badDevices("each is named once");
  if (!keys.has(deviceKey(author))) throw badDevices("include the author's");
  return other;
}

async function isActive(env: Bindings, userId: string, devices: readonly DeviceRef[]): Promise<boolean> {
  const active = new Set(await accountStub(env, userId).activeDevices());
  const named = devices.filter((device) => device.user_id === userId);
  return named.every((device) => active.has(device.device_id));
}

function badDevices(rule: string): ProtocolError {
  return new ProtocolError("bad_roster", { where: `devices: ${rule}` });
}
