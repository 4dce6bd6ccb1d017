/**
 * Founding (E15): a direct chat's id must follow from its two users, and every device named must be an active one of
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
  checkDevices(author, request.devices);
  if (request.kind === "direct" && request.generation === 1) {
    const other = otherUser(author, request.devices);
    if ((await directConversationId(author.user_id, other)) !== conversationId) {
      throw new ProtocolError("bad_roster", { where: "conversation_id: is not of these two users" });
    }
  }
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

/** The one user besides the author whom the devices belong to. */
function otherUser(author: DeviceRef, devices: readonly DeviceRef[]): string {
  const users = new Set(devices.map((device) => device.user_id));
  users.delete(author.user_id);
  const [other] = users;
  if (other === undefined || users.size !== 1) throw badDevices("belong to two users");
  return other;
}

function badDevices(rule: string): ProtocolError {
  return new ProtocolError("bad_roster", { where: `devices: ${rule}` });
}
