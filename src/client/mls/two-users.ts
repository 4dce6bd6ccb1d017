/** [E7] [E15] The id of a direct chat follows from its two users: whoever else the server names has no place in it. */
import { type DeviceRef, directConversationId } from "../../protocol/ids.ts";
import { fail } from "./failures.ts";

/** Throws a Refusal. One user alone may be there: the other's devices may all have gone. */
export async function checkOnlyTwoUsers(
  conversationId: string,
  devices: readonly DeviceRef[],
): Promise<void> {
  const [one, other, ...more] = new Set(devices.map((device) => device.user_id));
  if (more.length > 0) return fail("not_two_users");
  if (one === undefined || other === undefined) return;
  if ((await directConversationId(one, other)) !== conversationId) fail("not_two_users");
}
