/** [E8] [E15] A founding whose answer was lost is brought to its end before anything is founded in its place. */
import { expect, it } from "vitest";
import { directState } from "../../../src/client/group-state.ts";
import { Founder, type FounderOptions } from "../../../src/client/groups/founder.ts";
import type { ConversationRecord } from "../../../src/client/store/records.ts";

const founding = {
  conversationId: "c",
  kind: "direct",
  generation: 1,
  userIds: ["a", "b"],
  state: directState,
} as const;

/** `settledTo`: the generation that settling what was pending leads to. */
function founderWhere(settledTo: number) {
  let record: Pick<ConversationRecord, "generation"> | null = null;
  const claims: unknown[] = [];
  const options = {
    desk: {
      session: { userId: "a", deviceId: 1 },
      conversation: () => record,
      call: async (request: unknown) => {
        claims.push(request);
        return { users: [] };
      },
    },
    submitter: {
      settle: async () => {
        if (settledTo > 0) record = { generation: settledTo };
      },
    },
  } as unknown as FounderOptions;
  return { founder: new Founder(options), claims };
}

it("founds nothing where what was pending turns out to be founded", async () => {
  const { founder, claims } = founderWhere(1);
  expect(await founder.found(founding)).toBe(true);
  expect(claims).toEqual([]);
});

it("goes on where nothing was pending, or it led to an earlier generation", async () => {
  const { founder, claims } = founderWhere(1);
  await expect(founder.found({ ...founding, generation: 2 })).rejects.toMatchObject({ code: "no_keys" });
  expect(claims).toHaveLength(1);
});
