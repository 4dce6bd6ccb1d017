/** A group as an app shows it. Reads only. */
import { base64 } from "@scure/base";
import type { Group, Role } from "../contract.ts";
import type { ConversationRecord } from "../store/records.ts";
import type { Store } from "../store/store.ts";

import { groupStateOf } from "../sync/commit-state.ts";
import { usersOf } from "../sync/roster.ts";
import { Names } from "./names.ts";

export async function groupView(
  store: Store,
  conversationId: string,
  ownUserId: string,
): Promise<Group | null> {
  const record = await store.get("conversations", [conversationId]);
  if (record === null || record.kind !== "group") return null;
  const names = await Names.of(store, ownUserId);
  const members = [...record.members, ...(await unlisted(store, record))].map(({ userId, role }) =>
    names.member(userId, role),
  );
  const own = record.members.find((member) => member.userId === ownUserId);
  return {
    conversationId,
    name: record.name ?? "",
    picture: await groupPicture(store, conversationId),
    ownRole: record.isMember ? (own?.role ?? null) : null,
    members: Names.sorted(members),
  };
}

/** [E4] Whoever has a leaf can read, whatever roster the server tells: nobody is in a group unseen. */
async function unlisted(
  store: Store,
  { conversationId, leavers, members }: ConversationRecord,
): Promise<{ userId: string; role: Role }[]> {
  const group = await store.get("groups", [conversationId]);
  const known = new Set([...leavers, ...members.map((member) => member.userId)]);
  const hidden = usersOf(group?.devices ?? []).filter((userId) => !known.has(userId));
  return hidden.map((userId) => ({ userId, role: "member" }));
}

export async function groupPicture(store: Store, conversationId: string): Promise<Uint8Array | null> {
  const picture = groupStateOf(await store.get("documents", [conversationId]))?.picture ?? null;
  return picture === null ? null : base64.decode(picture);
}
