/**
 * Founding (E15): the id must follow from a direct chat's two users or a group's founder and message id, and every device
 * named must be an active one of its user. Both are checked here, against the Accounts; the Conversation then decides who comes first.
 */
import { foundedId } from "../../durable/conversation/foundings.ts";
import { accountStub, conversationStub } from "../../durable/names.ts";
import type { Bindings } from "../config.ts";
import type { ConversationState } from "../protocol/entry.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { FoundRequest } from "../protocol/http.ts";
import { type DeviceRef, deviceKey } from "../protocol/ids.ts";

export async function foundConversation(
  env: Bindings,
  author: DeviceRef,
  conversationId: string,
  request: FoundRequest,
): Promise<ConversationState> {
  checkDevices(author, request.devices);
  if (request.generation === 1 && (await foundedId({ author, ...request })) !== conversationId)
    throw new ProtocolError("bad_roster", { where: misplaced[request.kind] });
  const conversation = conversationStub(env, conversationId);
  // A repeat of a founding that succeeded gets its answer [L3], even if one of its devices was logged out since:
  // a conversation that exists founds nothing, it only says what there is.
  if (!(await areActive(env, request.devices)) && !isThere(await conversation.state(author), request))
    throw badDevices("are active");
  const outcome = await conversation.found({ author, ...request });
  if ("refused" in outcome) throw new ProtocolError(outcome.refused.code, outcome.refused.details);
  return outcome.state;
}

function isThere(state: ConversationState | null, request: FoundRequest): boolean {
  return state !== null && state.generation >= request.generation;
}

/** Whether the Accounts know each of these devices as an active one of its user. */
export async function areActive(env: Bindings, devices: readonly DeviceRef[]): Promise<boolean> {
  const users = [...new Set(devices.map((device) => device.user_id))];
  const known = await Promise.all(
    users.map(async (user) => ({ user, active: new Set(await accountStub(env, user).activeDevices()) })),
  );
  const active = new Map(known.map((account) => [account.user, account.active]));
  return devices.every((device) => active.get(device.user_id)?.has(device.device_id) === true);
}

function checkDevices(author: DeviceRef, devices: readonly DeviceRef[]): void {
  const keys = new Set(devices.map(deviceKey));
  if (keys.size !== devices.length) throw badDevices("each is named once");
  if (!keys.has(deviceKey(author))) throw badDevices("include the author's");
}

const misplaced = {
  direct: "conversation_id: is not of these two users",
  group: "conversation_id: is not groupConversationId(founder, message_id)",
} as const;

function badDevices(rule: string): ProtocolError {
  return new ProtocolError("bad_roster", { where: `devices: ${rule}` });
}
