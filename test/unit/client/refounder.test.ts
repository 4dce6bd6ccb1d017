/** [E15] A further generation drops nobody: a founding names 64 devices, the others are added after it. */
import { expect, it } from "vitest";
import { encodeState, type GroupState } from "../../../src/client/group-state.ts";
import { Refounder, type RefounderOptions } from "../../../src/client/groups/refounder.ts";
import type { ConversationRecord } from "../../../src/client/store/records.ts";

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
  let record: Partial<ConversationRecord> = {
    kind: "group",
    isMember: true,
    members: names.map((userId) => ({ userId, role: roleOf(userId), devices: [1], delivered: 0, read: 0 })),
  };
  let isCrashed = true;
  const options = {
    desk: {
      session: { userId: self, deviceId: 1 },
      store: { get: async () => ({ document, hash: "" }) },
      conversation: () => record,
      commit: async (next: Partial<ConversationRecord>) => {
        record = next;
      },
      inTurn: async (_id: string, work: () => Promise<void>) => await work(),
    },
    reader: { fetchState: async () => ({ generation: 1 }) },
    founder: {
      found: async ({ userIds }: { userIds: string[] }) => {
        founded.push(userIds);
        return true;
      },
    },
    addMembers: async (_: string, userIds: string[]) => {
      if (isCrashed) return await new Promise(() => {});
      added.push(userIds);
    },
    bringUp: () => {},
  } as unknown as RefounderOptions;
  await new Refounder(options).found("group");
  expect(founded[0]?.slice(0, 3)).toEqual([owner, self, member]);
  expect(founded[0]).toHaveLength(64);
  expect(added).toEqual([]);
  // The app dies there; the next one finds what is left to do.
  isCrashed = false;
  new Refounder(options).addRest("group");
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  expect(new Set(added[0])).toEqual(new Set(names));
  expect(record.restToAdd).toBeUndefined();
});
