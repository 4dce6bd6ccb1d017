/** [E15] A further generation drops nobody: a founding names 64 devices, the others are added after it. */
import { expect, it } from "vitest";
import { encodeState, type GroupState } from "../../../src/client/group-state.ts";
import { Refounder, type RefounderOptions } from "../../../src/client/groups/refounder.ts";

it("[E15] names owner and admins first, whom nobody may drop, and adds whom a founding has no room for", async () => {
  const names = Array.from({ length: 70 }, (_, index) => `user-${index}`.padEnd(22, "A"));
  const [member = "", self = "", owner = ""] = [names[0], names[40], names[69]];
  const roles: GroupState["roles"] = [
    { user_id: owner, role: "owner" },
    { user_id: self, role: "admin" },
  ];
  const roleOf = (userId: string) => roles.find((it) => it.user_id === userId)?.role ?? "member";
  const content = encodeState({ v: 1, kind: "group", name: "Gulls", picture: null, roles });
  const document = new Uint8Array([...new Uint8Array(32), ...content]);
  const founded: string[][] = [];
  const added: string[][] = [];
  const options = {
    desk: {
      session: { userId: self, deviceId: 1 },
      store: { get: async () => ({ document, hash: "" }) },
      conversation: () => ({
        kind: "group",
        isMember: true,
        members: names.map((userId) => ({ userId, role: roleOf(userId) })),
      }),
    },
    reader: { fetchState: async () => ({ generation: 1 }) },
    founder: {
      found: async ({ userIds }: { userIds: string[] }) => {
        founded.push(userIds);
        return true;
      },
    },
    addRest: (_: string, userIds: string[]) => added.push(userIds),
  } as unknown as RefounderOptions;
  await new Refounder(options).found("group");
  expect(founded[0]?.slice(0, 3)).toEqual([owner, self, member]);
  expect(founded[0]).toHaveLength(64);
  expect(new Set(added[0])).toEqual(new Set(names));
});
