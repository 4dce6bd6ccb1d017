/** From a phone number to a chat: its user, the direct chat's id, and the founding if nobody has founded it yet [E15]. */
import { lookupAnswerSchema } from "../../protocol/http.ts";
import { directConversationId } from "../../protocol/ids.ts";
import type { Contact } from "../contract.ts";
import { directState } from "../group-state.ts";
import type { Desk } from "../sync/desk.ts";
import type { Encryption } from "./encryption.ts";

export class OwnNumberError extends Error {
  constructor() {
    super("This is your own number. Enter the number of the person you want to write to.");
    this.name = "OwnNumberError";
  }
}

type Means = Pick<Encryption, "founder" | "outbox" | "profiles"> & {
  desk: Desk;
  bringUp(conversationId: string): Promise<void>;
};

/** Rejects with `unknown_user`. */
export async function findUser({ desk, profiles }: Means, phone: string): Promise<Contact> {
  const found = await desk.call({
    method: "POST",
    path: "/directory/lookup",
    body: { phone },
    answer: lookupAnswerSchema,
  });
  await profiles.lookedUp(found.user_id, found.phone);
  const known = await desk.store.get("profiles", [found.user_id]);
  return { userId: found.user_id, phone: found.phone, name: known?.name ?? null };
}

export async function startChat(means: Means, phone: string): Promise<string> {
  const { desk, bringUp, outbox } = means;
  const own = desk.session.userId;
  const { userId } = await findUser(means, phone);
  if (userId === own) throw new OwnNumberError();
  const conversationId = await directConversationId(own, userId);
  await bringUp(conversationId);
  if (desk.conversation(conversationId) === null) {
    await found(means, conversationId, userId);
    // Whoever lost the race takes the winner's Welcome here.
    if (desk.conversation(conversationId) === null) await bringUp(conversationId);
    await outbox.introduce(conversationId);
  }
  return conversationId;
}

async function found({ desk, founder }: Means, conversationId: string, userId: string): Promise<void> {
  await desk.inTurn(conversationId, async () => {
    // The other side's may have come while this waited for its turn.
    if (desk.conversation(conversationId) !== null) return;
    const userIds = [desk.session.userId, userId];
    await founder.found({ conversationId, kind: "direct", generation: 1, userIds, state: directState });
  });
}
