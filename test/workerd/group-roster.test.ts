/** Members, roles and leaves of a group as commits change them (E2, E11), with commits made by the real library. */
import { describe, expect, it } from "vitest";
import { readTree } from "../../src/mls-guard/tree.ts";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import {
  commitTo,
  openLiveChat,
  openLiveInbox,
  sendCommit,
  sendFrame,
  submissionOf,
} from "./support/direct-chat.ts";
import { hibernate, rowsOf } from "./support/faults.ts";
import {
  codeOf,
  foundGroup,
  type GroupChat,
  member,
  mustCommit,
  newMember,
  rolesOf,
  seqOf,
  stateFor,
} from "./support/group-chat.ts";

/** Leaf by device, as the Conversation keeps them. */
async function keptLeaves(chat: GroupChat): Promise<Record<string, number>> {
  const [row] = await rowsOf(chat.conversation(), "SELECT roster FROM conversation");
  const roster: { user_id: string; devices: { id: number; leaf?: number }[] }[] = JSON.parse(
    String(row?.roster),
  );
  const leaves = roster.flatMap(({ user_id, devices }) =>
    devices.flatMap(({ id, leaf }) =>
      leaf === undefined ? [] : [[deviceKey({ user_id, device_id: id }), leaf] as const],
    ),
  );
  return Object.fromEntries(leaves);
}
/** The same, as they stand in the tree that the library made. */
function treeLeaves(chat: GroupChat): Record<string, number> {
  const { leaves } = readTree(chat.mls.newest.tree);
  return Object.fromEntries(
    leaves.flatMap((leaf, index) => (leaf === null ? [] : [[deviceKey(leaf.credential.device), index]])),
  );
}

describe("a group", () => {
  it("[D1] [R1] hands a message to every member once, and its ticks are each member's own", async () => {
    const chat = await foundGroup(4);
    const sockets = await Promise.all(chat.members.map((device) => openLiveInbox(chat, device)));
    const owner = await openLiveChat(chat, chat.owner);
    owner.send(sendFrame(chat, "to all"));
    expect(await owner.frame("accepted")).toMatchObject({ seq: 2 });
    for (const socket of sockets) await socket.untilSeq(2);
    sockets[0]?.send({ type: "ack", conversation_id: chat.id, seq: 2 });
    const first = member(chat, 0).user_id;
    await owner.until(
      (received) =>
        received.some(
          (frame) =>
            frame.type === "receipts" &&
            frame.receipts.some(({ user_id, delivered }) => user_id === first && delivered === 2),
        ),
      "the first tick",
    );
    const { members } = await stateFor(chat, chat.owner);
    expect(members.map(({ delivered }) => delivered).sort()).toEqual([1, 1, 1, 2]);
    for (const socket of sockets) expect(socket.entries().map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it("has its founder as owner; messages are taken from every member", async () => {
    const chat = await foundGroup(3);
    expect(await stateFor(chat, chat.owner)).toMatchObject({
      kind: "group",
      suite: "x25519",
      generation: 1,
      epoch: 1,
      to_remove: [],
      members: [{ role: "owner" }, { role: "member" }, { role: "member" }],
    });
    const [outcome] = await chat.conversation().submit(member(chat, 0), [submissionOf("hello")]);
    expect(seqOf(outcome)).toBe(2);
  });

  it("[E2] adds and removes members; epoch, roster and leaves follow the tree through every order of changes", async () => {
    const chat = await foundGroup(4);
    const late: DeviceRef[] = [];
    for (let i = 0; i < 5; i++) late.push(await newMember(chat));
    const at = (index: number) => late[index] ?? chat.owner;
    const steps: { add?: DeviceRef[]; remove?: DeviceRef[] }[] = [
      { add: [at(0), at(1)] },
      { remove: [member(chat, 1), member(chat, 2)] },
      { add: [at(2)] },
      { add: [at(3), at(4)], remove: [at(0)] },
      { remove: [at(4), at(3)] },
      { add: [member(chat, 1), at(0), at(3)] },
    ];
    for (const [index, step] of steps.entries()) {
      await mustCommit(chat, chat.owner, step);
      expect(await keptLeaves(chat), `step ${index}`).toEqual(treeLeaves(chat));
      if (index === 2) await hibernate(chat);
    }
    const joined = await newMember(chat);
    await mustCommit(chat, member(chat, 0));
    expect(codeOf(await sendCommit(chat, await chat.mls.join(joined)))).toBe("not_found");
    expect(await stateFor(chat, chat.owner)).toMatchObject({ epoch: 8, head: 8 });
  });

  it("[E12] a device that comes in by itself takes the leaf that the tree gives it, also in another's place", async () => {
    const chat = await foundGroup(4);
    await mustCommit(chat, chat.owner, { remove: [member(chat, 0)] });
    const second = { ...member(chat, 1), device_id: 2 };
    await chat.inbox(second).addDevice(2);
    seqOf(await sendCommit(chat, await chat.mls.join(second)));
    expect(await keptLeaves(chat)).toEqual(treeLeaves(chat));
    const third = { ...member(chat, 1), device_id: 3 };
    await chat.inbox(third).addDevice(3);
    seqOf(await sendCommit(chat, await chat.mls.join(third, member(chat, 1))));
    expect(await keptLeaves(chat)).toEqual(treeLeaves(chat));
    // One that lost its state comes in again in its own place, and keeps its place in the log.
    seqOf(await sendCommit(chat, await chat.mls.join(member(chat, 2))));
    expect(await keptLeaves(chat)).toEqual(treeLeaves(chat));
    expect((await stateFor(chat, member(chat, 2))).first_seq).toBe(1);
    expect((await stateFor(chat, third)).first_seq).toBe(4);
  });

  it("[F8] who is removed reads up to that commit, who is added again reads from there", async () => {
    const chat = await foundGroup(3);
    const bob = member(chat, 0);
    await mustCommit(chat, chat.owner, { remove: [bob] });
    await chat.conversation().submit(chat.owner, [submissionOf("secret", { epoch: 2 })]);
    expect(await chat.conversation().state(bob)).toBeNull();
    const before = JSON.parse((await chat.conversation().page(bob, 0, 50)) ?? "null");
    expect(before).toMatchObject({ first_seq: 1, head: 2, more: false });
    expect(seqOf(await commitTo(chat, chat.owner, { add: [bob] }))).toBe(4);
    await chat.conversation().submit(chat.owner, [submissionOf("back", { epoch: 3 })]);
    const after = JSON.parse((await chat.conversation().page(bob, 0, 50)) ?? "null");
    expect(after.entries.map(({ seq }: { seq: number }) => seq)).toEqual([4, 5]);
    expect(await stateFor(chat, bob)).toMatchObject({ first_seq: 4 });
  });
});

describe("roles", () => {
  const roleChange = (user: DeviceRef, role: "owner" | "admin" | "member") => ({
    roles: [{ user_id: user.user_id, role }],
  });

  it("members touch nobody but themselves", async () => {
    const chat = await foundGroup(3);
    const [bob, carol] = [member(chat, 0), member(chat, 1)];
    const stranger = await newMember(chat);
    for (const change of [
      { remove: [carol] },
      { remove: [chat.owner] },
      { add: [stranger] },
      roleChange(bob, "admin"),
      roleChange(bob, "owner"),
    ])
      expect(codeOf(await commitTo(chat, bob, change)), JSON.stringify(change)).toMatch(
        /not_allowed|bad_roster/,
      );
    expect((await stateFor(chat, chat.owner)).head).toBe(1);
    expect(await commitTo(chat, bob, { add: [{ ...bob, device_id: 2 }] })).toHaveProperty("accepted");
  });

  it("admins add and remove members, not each other and not the owner", async () => {
    const chat = await foundGroup(5);
    const [bob, carol, dave] = [member(chat, 0), member(chat, 1), member(chat, 2)];
    await mustCommit(chat, chat.owner, {
      roles: [
        { user_id: bob.user_id, role: "admin" },
        { user_id: carol.user_id, role: "admin" },
      ],
    });
    expect(codeOf(await commitTo(chat, bob, { remove: [carol] }))).toBe("not_allowed");
    expect(codeOf(await commitTo(chat, bob, { remove: [chat.owner] }))).toBe("not_allowed");
    expect(codeOf(await commitTo(chat, bob, roleChange(carol, "member")))).toBe("not_allowed");
    expect(codeOf(await commitTo(chat, bob, roleChange(chat.owner, "member")))).toBe("bad_roster");
    await mustCommit(chat, bob, { remove: [dave], add: [await newMember(chat)] });
    await mustCommit(chat, chat.owner, { remove: [carol] });
    expect(Object.values(await rolesOf(chat)).sort()).toEqual(["admin", "member", "member", "owner"]);
  });

  it("the owner hands over in one commit; never is there none, or two", async () => {
    const chat = await foundGroup(3);
    const bob = member(chat, 0);
    expect(codeOf(await commitTo(chat, chat.owner, roleChange(bob, "owner")))).toBe("bad_roster");
    expect(codeOf(await commitTo(chat, chat.owner, roleChange(chat.owner, "admin")))).toBe("bad_roster");
    await mustCommit(chat, chat.owner, {
      roles: [
        { user_id: bob.user_id, role: "owner" },
        { user_id: chat.owner.user_id, role: "admin" },
      ],
    });
    expect(await rolesOf(chat)).toMatchObject({ [bob.user_id]: "owner", [chat.owner.user_id]: "admin" });
    expect(codeOf(await commitTo(chat, chat.owner, { remove: [bob] }))).toBe("not_allowed");
  });
});
