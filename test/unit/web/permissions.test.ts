import { describe, expect, it } from "vitest";
import type { GroupMember, Role } from "../../../src/client/contract.ts";
import { limits } from "../../../src/protocol/limits.ts";
import {
  freePlaces,
  leaving,
  mayAddMembers,
  mayEditGroup,
  memberActions,
  successors,
} from "../../../src/web/group/permissions.ts";

function member(role: Role, change: Partial<GroupMember> = {}): GroupMember {
  return { userId: role, name: role, phone: null, picture: null, role, isSelf: false, ...change };
}

describe("what a role may do to a member [E16]", () => {
  it.each<[Role | null, Role, string[]]>([
    ["owner", "admin", ["dismiss_admin", "hand_over", "remove"]],
    ["owner", "member", ["make_admin", "hand_over", "remove"]],
    ["owner", "owner", []],
    ["admin", "owner", []],
    ["admin", "admin", []],
    ["admin", "member", ["make_admin", "remove"]],
    ["member", "owner", []],
    ["member", "admin", []],
    ["member", "member", []],
    [null, "member", []],
  ])("%s to %s: %j", (own, role, actions) => {
    expect(memberActions(own, member(role))).toEqual(actions);
  });

  it("is nothing to oneself, whatever one's role", () => {
    for (const role of ["owner", "admin", "member"] as const) {
      expect(memberActions(role, member(role, { isSelf: true }))).toEqual([]);
    }
  });
});

it("lets owner and admins alone edit the group and add members", () => {
  const roles = ["owner", "admin", "member", null] as const;
  expect(roles.map(mayEditGroup)).toEqual([true, true, false, false]);
  expect(roles.map(mayAddMembers)).toEqual([true, true, false, false]);
});

it("has places up to the protocol's bound", () => {
  expect(freePlaces(limits.membersPerGroupMax - 1)).toBe(1);
  expect(freePlaces(limits.membersPerGroupMax)).toBe(0);
  expect(freePlaces(limits.membersPerGroupMax + 1)).toBe(0);
});

describe("leaving", () => {
  const owner = member("owner", { isSelf: true });

  it("makes an owner hand over first, to admins before members", () => {
    const members = [owner, member("member"), member("admin")];
    expect(leaving({ ownRole: "owner", members })).toBe("hand_over_first");
    expect(successors({ members }).map(({ role }) => role)).toEqual(["admin", "member"]);
  });

  it("is open to an owner who is alone, and to everybody else", () => {
    expect(leaving({ ownRole: "owner", members: [owner] })).toBe("allowed");
    expect(leaving({ ownRole: "admin", members: [owner, member("admin")] })).toBe("allowed");
    expect(leaving({ ownRole: "member", members: [owner, member("member")] })).toBe("allowed");
  });

  it("is over for who is no member", () => {
    expect(leaving({ ownRole: null, members: [member("owner")] })).toBe("not_a_member");
  });
});
