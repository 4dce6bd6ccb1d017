/** From a phone number to a chat: its user, the direct chat's id, and the founding if nobody has founded it yet (E15). */
import { conversationStateSchema } from "../../protocol/entry.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { lookupAnswerSchema, userDevicesSchema } from "../../protocol/http.ts";
import { type DeviceRef, directConversationId } from "../../protocol/ids.ts";
import { encodeContent } from "../content.ts";
import type { Desk } from "../sync/desk.ts";

export class OwnNumberError extends Error {
  constructor() {
    super("This is your own number. Enter the number of the person you want to write to.");
    this.name = "OwnNumberError";
  }
}

export async function startChat(
  desk: Desk,
  bringUp: (conversationId: string) => Promise<void>,
  phone: string,
): Promise<string> {
  const found = await desk.call({
    method: "POST",
    path: "/directory/lookup",
    body: { phone },
    answer: lookupAnswerSchema,
  });
  if (found.user_id === desk.session.userId) throw new OwnNumberError();
  const conversationId = await directConversationId(desk.session.userId, found.user_id);
  await bringUp(conversationId);
  if (desk.conversation(conversationId) === null) {
    await foundChat(desk, conversationId, found.user_id, found.phone);
    await bringUp(conversationId);
  }
  await rememberPhone(desk, conversationId, found.phone);
  return conversationId;
}

async function foundChat(desk: Desk, conversationId: string, peerId: string, phone: string): Promise<void> {
  const { environment, session } = desk;
  const devices = [...(await devicesOf(desk, session.userId)), ...(await devicesOf(desk, peerId))];
  const profile = { name: session.name, phone: session.phone };
  const envelope = await encodeContent({ v: 1, type: "founding", profile, peer: { name: null, phone } });
  try {
    await desk.call({
      method: "PUT",
      path: `/conversations/${conversationId}`,
      body: { message_id: environment.newMessageId(environment.now()), generation: 1, devices, envelope },
      answer: conversationStateSchema,
    });
  } catch (error) {
    // The other side was quicker: theirs is the chat.
    if (!(error instanceof ProtocolError) || error.code !== "already_founded") throw error;
  }
}

async function devicesOf(desk: Desk, userId: string): Promise<DeviceRef[]> {
  const path = `/users/${userId}/devices`;
  const { devices } = await desk.call({ method: "GET", path, answer: userDevicesSchema });
  return devices.map((device_id) => ({ user_id: userId, device_id }));
}

/** The number the user typed is the one to show, whatever the other side says of itself. */
async function rememberPhone(desk: Desk, conversationId: string, phone: string): Promise<void> {
  await desk.inTurn(conversationId, async () => {
    const record = desk.conversation(conversationId);
    if (record === null) throw new ProtocolError("not_found");
    if (record.peer.phone !== phone) await desk.commit({ ...record, peer: { ...record.peer, phone } }, []);
  });
}
