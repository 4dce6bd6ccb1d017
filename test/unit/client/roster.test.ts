/** Who may say what of a group's roles, and who counts as having left [E14] [E16]. Pure. */
import { describe, expect, it } from "vitest";
import type { GroupState } from "../../../src/client/group-state.ts";
import type { ConversationRecord, MemberRecord } from "../../../src/client/store/records.ts";
import { startingAt, withNewLog } from "../../../src/client/sync/conversation-state.ts";
import { allowsState, newcomersIn } from "../../../src/client/sync/roster.ts";
import type { Role } from "../../../src/protocol/mls.ts";

function stateOf(roles: Record<string, Role>): GroupState {
  const named = Object.entries(roles).map(([user_id, role]) => ({ user_id, role }));
  return { v: 1, kind: "group", name: "Gulls", picture: null, roles: named };
}

describe("a group's roles", () => {
  const before = stateOf({ olga: "owner", adam: "admin", anna: "admin" });
  const without = (userId: string): GroupState => ({
    ...before,
    roles: before.roles.filter((it) => it.user_id !== userId),
  });

  it("[E16] an admin takes no role from who is in, and brings back as a member whoever had left", () => {
    expect(allowsState(before, without("anna"), { committer: "adam", newcomers: [] })).toBe(false);
    expect(allowsState(before, without("anna"), { committer: "adam", newcomers: ["anna"] })).toBe(true);
    expect(allowsState(before, without("anna"), { committer: "mia", newcomers: ["anna"] })).toBe(false);
    expect(allowsState(before, without("anna"), { committer: "olga", newcomers: [] })).toBe(true);
  });

  it("[E16] who is a member without any device is no newcomer, and keeps its role", () => {
    const olga: MemberRecord = { userId: "olga", role: "owner", devices: [], delivered: 0, read: 0 };
    const add = [
      { user_id: "olga", device_id: 2 },
      { user_id: "anna", device_id: 1 },
    ];
    expect(newcomersIn([olga], add)).toEqual(["anna"]);
  });

  it("[E16] nobody but the owner brings anybody in as more than a member", () => {
    const raised = stateOf({ olga: "owner", adam: "admin", anna: "admin", nora: "admin" });
    expect(allowsState(before, raised, { committer: "adam", newcomers: ["nora"] })).toBe(false);
    const owned = stateOf({ olga: "admin", adam: "admin", anna: "admin", nora: "owner" });
    expect(allowsState(before, owned, { committer: "adam", newcomers: ["nora"] })).toBe(false);
  });
});

describe("who left", () => {
  const left = { leavers: ["olga"], cursor: { seq: 3, messageId: null } } as unknown as ConversationRecord;

  it("[E14] is forgotten where reading starts anew: they are out by then, or back, like oneself", () => {
    expect(startingAt(left, 6)).toMatchObject({ leavers: [], cursor: { seq: 5 } });
  });

  it("[E14] [L5] is read again from a log that was replaced, which may have lost the statement", () => {
    const state = {
      conversation_id: "c",
      kind: "group",
      log_id: "l",
      generation: 1,
      epoch: 1,
      head: 3,
      first_seq: 1,
      last_activity_at: 0,
      to_remove: [],
      members: [],
    } as unknown as Parameters<typeof withNewLog>[1];
    expect(withNewLog(left, state, "olga").leavers).toEqual([]);
  });
});
