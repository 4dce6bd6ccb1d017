/** [E4] [E16] Which commits a member lets pass, by role and roster. */
import { describe, expect, it } from "vitest";
import { allowsCommit, type CommitRules, type JudgedChange } from "../../../../src/client/crypto/judge.ts";
import type { DeviceRef } from "../../../../src/protocol/ids.ts";

const device = (user_id: string, device_id = 1): DeviceRef => ({ user_id, device_id });
const group: Omit<CommitRules, "roster"> = {
  kind: "group",
  roles: [
    { userId: "owner", role: "owner" },
    { userId: "admin", role: "admin" },
    { userId: "admin2", role: "admin" },
    { userId: "member", role: "member" },
    { userId: "member2", role: "member" },
  ],
  leavers: [],
  goneDevices: [],
};
const direct: typeof group = {
  ...group,
  kind: "direct",
  roles: [
    { userId: "one", role: "member" },
    { userId: "two", role: "member" },
  ],
};

/** The roster says what the commit does. */
function allows(
  rules: typeof group,
  by: string,
  change: { add?: DeviceRef[]; remove?: DeviceRef[] },
): boolean {
  const { add = [], remove = [] } = change;
  const judged = { committer: device(by), added: add, removed: remove, isJoin: false };
  return allowsCommit({ ...rules, roster: { add, remove } }, judged);
}

describe("in a group", () => {
  it.each([
    ["owner", true],
    ["admin", true],
    ["member", false],
    ["stranger", false],
  ])("[E16] %s may bring in another user: %s", (by, expected) => {
    expect(allows(group, by, { add: [device("new")] })).toBe(expected);
  });

  it.each([
    ["owner", "admin", true],
    ["owner", "member", true],
    ["admin", "member", true],
    ["admin", "admin2", false],
    ["admin", "owner", false],
    ["member", "member2", false],
  ])("[E16] %s may remove %s: %s", (by, whom, expected) => {
    expect(allows(group, by, { remove: [device(whom)] })).toBe(expected);
  });

  it("[E14] anybody may remove who left, and a device that is gone, and nobody else's", () => {
    const someLeft = { ...group, leavers: ["owner"], goneDevices: [device("admin", 2)] };
    expect(allows(someLeft, "member", { remove: [device("owner"), device("admin", 2)] })).toBe(true);
    expect(allows(someLeft, "member", { remove: [device("admin", 1)] })).toBe(false);
  });

  it("a member may bring in and take out devices of its own, and refresh its keys", () => {
    expect(allows(group, "member", { add: [device("member", 2)] })).toBe(true);
    expect(allows(group, "member", { remove: [device("member", 2)] })).toBe(true);
    expect(allows(group, "member", {})).toBe(true);
    expect(allows(group, "stranger", {})).toBe(false);
  });
});

it("in a direct chat the two bring each other's devices in, and nobody a third or out", () => {
  expect(allows(direct, "one", { add: [device("two", 2)] })).toBe(true);
  expect(allows(direct, "one", { add: [device("three")] })).toBe(false);
  expect(allows(direct, "one", { remove: [device("two")] })).toBe(false);
});

describe("[E4] the entry's roster must be what the commit does", () => {
  const change: JudgedChange = {
    committer: device("owner"),
    added: [device("a")],
    removed: [],
    isJoin: false,
  };
  it.each([
    ["leaves one out", { add: [], remove: [] }],
    ["says one more", { add: [device("a"), device("b")], remove: [] }],
    ["names another device", { add: [device("a", 2)], remove: [] }],
    ["hides an Add behind a repeated name", { add: [device("a"), device("a")], remove: [] }],
    ["says a removal that is none", { add: [device("a")], remove: [device("member")] }],
  ])("refused when it %s", (_, roster) => {
    expect(allowsCommit({ ...group, roster }, change)).toBe(false);
  });

  it("refused when repeated names make up for a device that is left out", () => {
    const two = { ...change, added: [device("a"), device("b")] };
    const roster = { add: [device("a"), device("a")], remove: [] };
    expect(allowsCommit({ ...group, roster }, two)).toBe(false);
    const repeated = { ...change, added: [device("a"), device("a")] };
    const honest = { add: [device("a"), device("b")], remove: [] };
    expect(allowsCommit({ ...group, roster: honest }, repeated)).toBe(false);
  });
});

it("[E12] a member's device joins by itself and takes out its own old leaf, never somebody else's", () => {
  const own = device("member");
  const join = { committer: own, added: [], removed: [own], isJoin: true };
  const roster = { add: [own], remove: [own] };
  expect(allowsCommit({ ...group, roster }, join)).toBe(true);
  const other = { ...join, removed: [device("member2")] };
  expect(allowsCommit({ ...group, roster: { add: [own], remove: [device("member2")] } }, other)).toBe(false);
  const stranger = { ...join, committer: device("stranger"), removed: [] };
  expect(allowsCommit({ ...group, roster: { add: [device("stranger")], remove: [] } }, stranger)).toBe(false);
});
