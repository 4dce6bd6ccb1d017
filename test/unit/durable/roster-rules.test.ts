/** Who may change the roster, and what leaves a change gives (E2, E11, E14): rules that need no runtime. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { devicesToRemove, leavesOf, memberOf, type Roster } from "../../../durable/conversation/roster.ts";
import {
  changedRoster,
  foundedRoster,
  refoundedRoster,
  withGone,
  withLeft,
} from "../../../durable/conversation/roster-change.ts";
import {
  mayJoin,
  refusalOfChange,
  refusalOfLeave,
  refusalOfRefounding,
} from "../../../durable/conversation/roster-rules.ts";
import { type DeviceRef, deviceKey } from "../../../src/protocol/ids.ts";
import { limits } from "../../../src/protocol/limits.ts";
import type { RosterChange } from "../../../src/protocol/mls.ts";

const alice = { user_id: "a".repeat(22), device_id: 1 };
const bob = { user_id: "b".repeat(22), device_id: 1 };
const at = (seq: number) => ({ seq, time: 0 });
const own = (id: number) => ({ ...alice, device_id: id });

/** `isJoin` as the commit would say: who has no leaf can only come in from outside. */
function mayChangeDirect(roster: Roster, author: DeviceRef, change: RosterChange): boolean {
  const isJoin = !leafHolders(roster).includes(deviceKey(author));
  return refusalOfChange({ roster, kind: "direct", author, change, isJoin }) === undefined;
}
function leafHolders(roster: Roster): string[] {
  return roster.flatMap(({ user_id, devices }) =>
    devices
      .filter(({ leaf }) => leaf !== undefined)
      .map((device) => deviceKey({ user_id, device_id: device.id })),
  );
}

describe("the roster of a direct chat", () => {
  const roster = foundedRoster([alice, { ...alice, device_id: 2 }, bob, bob], at(1));

  it("is made of the founder's devices, each once", () => {
    expect(roster.map(({ devices }) => devices.map(({ id }) => id))).toEqual([[1, 2], [1]]);
  });

  it.each<[string, boolean, typeof alice, number[], number[]]>([
    ["nothing (a key update)", true, own(1), [], []],
    ["a new device adds itself", true, own(3), [3], []],
    ["and removes another of its user's", true, own(3), [3], [2]],
    ["a new device that does not add itself", false, own(3), [], [2]],
    ["a device adds another of its user's", true, own(1), [3], []],
    ["a device adds what is there", false, own(1), [1], []],
    ["a device removes itself", false, own(1), [], [1]],
    ["a device removes what is not there", false, own(1), [], [7]],
    ["two at once", false, own(3), [3, 4], []],
  ])("%s: %s", (_, allowed, author, add, remove) => {
    expect(mayChangeDirect(roster, author, { add: add.map(own), remove: remove.map(own) })).toBe(allowed);
  });

  it("nobody touches another user's devices, and a stranger none at all", () => {
    expect(mayChangeDirect(roster, bob, { add: [], remove: [alice] })).toBe(false);
    expect(mayChangeDirect(roster, bob, { add: [own(3)], remove: [] })).toBe(false);
    expect(mayChangeDirect(roster, bob, { add: [], remove: [own(2)] })).toBe(false);
    expect(mayChangeDirect(roster, { ...bob, device_id: 3 }, { add: [own(3)], remove: [] })).toBe(false);
    const stranger = { user_id: "c".repeat(22), device_id: 1 };
    expect(mayChangeDirect(roster, stranger, { add: [stranger], remove: [] })).toBe(false);
    expect(mayChangeDirect(roster, alice, { add: [stranger], remove: [] })).toBe(false);
  });

  it("has no roles, and is not left", () => {
    const roles = [{ user_id: alice.user_id, role: "owner" as const }];
    expect(mayChangeDirect(roster, alice, { add: [], remove: [], roles })).toBe(false);
    expect(refusalOfLeave(roster, "direct", alice)).toMatchObject({ code: "bad_roster" });
  });

  it("[E14] a device that was logged out is anybody's to remove; the other side brings its user back", () => {
    const gone = withGone(roster, bob);
    expect(devicesToRemove(gone)).toEqual([bob]);
    expect(mayChangeDirect(gone, alice, { add: [], remove: [] })).toBe(false);
    const fresh = { ...bob, device_id: 2 };
    expect(mayChangeDirect(gone, alice, { add: [fresh], remove: [bob] })).toBe(true);
    expect(mayChangeDirect(gone, fresh, { add: [fresh], remove: [] })).toBe(true);
    expect(mayChangeDirect(gone, alice, { add: [bob], remove: [bob] })).toBe(false);
    expect(mayJoin(gone, bob)).toBe(false);
    const removed = changedRoster(gone, { add: [], remove: [bob] }, at(2));
    expect(memberOf(removed, bob.user_id)?.left_seq).toBeUndefined();
  });

  it("keeps to five devices; removing one twice, or one logged out, makes no room for two", () => {
    const full = foundedRoster([1, 2, 3, 4, 5].map(own), at(1));
    expect(mayChangeDirect(full, own(6), { add: [own(6)], remove: [] })).toBe(false);
    expect(mayChangeDirect(full, own(6), { add: [own(6)], remove: [own(2)] })).toBe(true);
    const gone = withGone(full, own(2));
    expect(mayChangeDirect(gone, own(6), { add: [own(6)], remove: [] })).toBe(true);
    const six = changedRoster(gone, { add: [own(6)], remove: [] }, at(2));
    expect(mayChangeDirect(six, own(7), { add: [own(7)], remove: [own(2), own(2)] })).toBe(false);
  });

  it("a removed device is not removed twice and does not add itself again", () => {
    const removed = changedRoster(roster, { add: [], remove: [own(2)] }, at(5));
    expect(mayChangeDirect(removed, own(1), { add: [], remove: [own(2)] })).toBe(false);
    expect(mayChangeDirect(removed, own(2), { add: [own(2)], remove: [] })).toBe(false);
    expect(memberOf(removed, alice.user_id)?.devices[1]).toMatchObject({ left_seq: 5 });
  });

  it("[F9] keeps a bounded number of those that left", () => {
    let long: Roster = roster;
    for (let id = 3; id < 60; id++)
      long = changedRoster(long, { add: [own(id)], remove: [own(id - 1)] }, at(id));
    expect(memberOf(long, alice.user_id)?.devices.length).toBeLessThanOrEqual(18);
    expect(memberOf(long, alice.user_id)?.devices.some(({ id }) => id === 1)).toBe(true);
  });
});

describe("the roster of a group", () => {
  const user = (index: number) => String(index).padStart(22, "u");
  const device = (index: number, id = 1) => ({ user_id: user(index), device_id: id });
  const groupOf = (size: number) =>
    foundedRoster(
      Array.from({ length: size }, (_, index) => device(index)),
      at(1),
      "group",
    );
  const change = (roster: Roster, author: DeviceRef, made: Partial<RosterChange>, isJoin = false) =>
    refusalOfChange({ roster, kind: "group", author, change: { add: [], remove: [], ...made }, isJoin })
      ?.code;

  it("takes 1,024 members and 2,048 leaves, and not one more", () => {
    const full = groupOf(limits.membersPerGroupMax);
    expect(change(full, device(0), { add: [device(5_000)] })).toBe("group_full");
    expect(change(full, device(0), { add: [device(5_000)], remove: [device(7)] })).toBeUndefined();
    const second = Array.from({ length: limits.membersPerGroupMax }, (_, index) => device(index, 2));
    const leafy = changedRoster(full, { add: second, remove: [] }, at(2), "group");
    expect(leavesOf(leafy)).toHaveLength(limits.leavesPerGroupMax);
    expect(change(leafy, device(3), { add: [device(3, 3)] })).toBe("group_full");
    expect(change(leafy, device(3, 3), { add: [device(3, 3)] }, true)).toBe("group_full");
    expect(change(leafy, device(3, 3), { add: [device(3, 3)], remove: [device(3)] }, true)).toBeUndefined();
  });

  it("[F8] drops who has no device left, but never its owner; who comes back is a member again", () => {
    const made = changedRoster(
      groupOf(3),
      { add: [], remove: [], roles: [{ user_id: user(1), role: "admin" }] },
      at(2),
      "group",
    );
    const gone = withGone(withGone(made, device(0)), device(1));
    const out = changedRoster(gone, { add: [], remove: [device(0), device(1)] }, at(3), "group");
    expect(out.map(({ left_seq }) => left_seq)).toEqual([undefined, 3, undefined]);
    expect(mayJoin(out, device(0, 2))).toBe(true);
    expect(mayJoin(out, device(1, 2))).toBe(false);
    const back = changedRoster(out, { add: [device(1, 2)], remove: [] }, at(4), "group");
    expect(memberOf(back, user(1))).toMatchObject({ role: "member", joined_seq: 4 });
    expect(memberOf(back, user(1))?.left_seq).toBeUndefined();
  });

  it("[E15] is founded again by owner or admin, who put nobody out that they could not remove", () => {
    const roles = [
      { user_id: user(1), role: "admin" as const },
      { user_id: user(2), role: "admin" as const },
    ];
    const roster = changedRoster(groupOf(5), { add: [], remove: [], roles }, at(2), "group");
    const by = (author: number, named: number[], of: Roster = roster) =>
      refusalOfRefounding(
        { roster: of, kind: "group" },
        device(author),
        named.map((index) => device(index)),
      )?.code;
    expect(by(0, [0])).toBeUndefined();
    expect(by(1, [1, 0, 2])).toBeUndefined();
    expect(by(1, [1, 0, 3, 4])).toBe("not_allowed");
    expect(by(1, [1, 2, 3, 4])).toBe("not_allowed");
    expect(by(3, [3, 0, 1, 2, 4])).toBe("not_allowed");
    expect(by(0, [0, 7])).toBe("bad_roster");
    const ownerless = withGone(roster, device(0));
    expect(by(1, [1, 2, 3, 4], ownerless)).toBeUndefined();
    expect(by(1, [1, 0, 2], ownerless)).toBe("bad_roster");
    const again = refoundedRoster(ownerless, [device(1), device(2)], at(3), "group");
    expect(again.map(({ role, left_seq }) => [role, left_seq])).toEqual([
      ["owner", undefined],
      ["admin", undefined],
      ["admin", undefined],
      ["member", 3],
      ["member", 3],
    ]);
    expect(leavesOf(again)).toEqual([0, 1]);
  });

  it("lets the other devices of one who was added again come in, and none that was logged out", () => {
    const two = changedRoster(groupOf(3), { add: [device(1, 2), device(1, 3)], remove: [] }, at(2), "group");
    const gone = withGone(two, device(1, 3));
    const left = withLeft(gone, user(1), 3);
    expect(devicesToRemove(left)).toEqual([device(1), device(1, 2), device(1, 3)]);
    const out = changedRoster(left, { add: [], remove: devicesToRemove(left) }, at(4), "group");
    const back = changedRoster(out, { add: [device(1)], remove: [] }, at(5), "group");
    expect([1, 2, 3, 4].map((id) => mayJoin(back, device(1, id)))).toEqual([true, true, false, true]);
  });

  it("[E2] through any history has one owner, one device for a leaf, and the leftmost place for who comes", () => {
    const step = fc.record({
      author: fc.nat(5),
      add: fc.array(fc.tuple(fc.nat(7), fc.integer({ min: 1, max: 3 })), { maxLength: 3 }),
      remove: fc.array(fc.tuple(fc.nat(7), fc.integer({ min: 1, max: 3 })), { maxLength: 3 }),
      what: fc.constantFrom("commit", "commit", "commit", "leave", "gone"),
      role: fc.constantFrom("owner" as const, "admin" as const, "member" as const, null),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let roster = groupOf(5);
        for (const [index, { author, add, remove, what, role }] of steps.entries()) {
          const seq = index + 2;
          const by = device(author);
          if (what === "gone") roster = withGone(roster, by);
          if (what === "leave" && refusalOfLeave(roster, "group", by) === undefined)
            roster = withLeft(roster, by.user_id, seq);
          if (what !== "commit" || !leafHolders(roster).includes(deviceKey(by))) continue;
          const made: RosterChange = {
            add: add.map(([who, id]) => device(who, id)),
            remove: [...devicesToRemove(roster), ...remove.map(([who, id]) => device(who, id))],
            ...(role !== null && { roles: [{ user_id: user(index % 5), role }] }),
          };
          if (change(roster, by, made) !== undefined) continue;
          const staying = leavesOf(changedRoster(roster, { add: [], remove: made.remove }, at(seq), "group"));
          roster = changedRoster(roster, made, at(seq), "group");
          const leaves = leavesOf(roster);
          expect(new Set(leaves).size).toBe(leaves.length);
          const places = [...leaves].sort((one, other) => one - other);
          const firstFree = places.findIndex((leaf, place) => leaf !== place);
          if (made.add.length > 0 && firstFree !== -1)
            expect(leaves.filter((leaf) => leaf > firstFree).every((leaf) => staying.includes(leaf))).toBe(
              true,
            );
        }
        const owners = roster.filter(({ role, left_seq }) => role === "owner" && left_seq === undefined);
        const present = roster.filter(({ left_seq }) => left_seq === undefined);
        expect(owners).toHaveLength(present.length === 0 ? 0 : 1);
      }),
    );
  });
});
