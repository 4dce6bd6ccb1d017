/** [E3] [E14] Leaving, logging out, and what may be sent until a commit has taken the leaves out; further generations [E15]. */
import { describe, expect, it } from "vitest";
import { limits } from "../../src/protocol/limits.ts";
import { commitTo, foundDirectChat, openLiveChat, sendCommit, submissionOf } from "./support/direct-chat.ts";
import { hibernate, settle } from "./support/faults.ts";
import {
  codeOf,
  foundGroup,
  member,
  mustCommit,
  newMember,
  rolesOf,
  seqOf,
  stateFor,
} from "./support/group-chat.ts";

describe("a message", () => {
  it("[E3] of another epoch or generation is refused and told where the group is; a resend still gets its ack", async () => {
    const chat = await foundGroup(3);
    const bob = member(chat, 0);
    const first = submissionOf("one");
    const [ack] = await chat.conversation().submit(bob, [first]);
    await mustCommit(chat, chat.owner);
    const details = { epoch: 2, generation: 1, head: 3 };
    for (const place of [{ epoch: 1 }, { epoch: 3 }, { generation: 2, epoch: 2 }]) {
      const [outcome] = await chat.conversation().submit(bob, [submissionOf("x", place)]);
      expect(outcome).toEqual({ refused: { code: "stale_epoch", details } });
    }
    expect(await chat.conversation().submit(bob, [first])).toEqual([ack]);
  });

  it("[E3] cannot be placed after the removal of its author, not even in the same flush", async () => {
    const chat = await foundGroup(3);
    const bob = member(chat, 0);
    const made = await chat.mls.commit(chat.owner, { remove: [bob] });
    const outcomes = await Promise.all([
      sendCommit(chat, made),
      chat.conversation().submit(bob, [submissionOf("late"), submissionOf("later", { epoch: 2 })]),
    ]);
    expect(outcomes[1].map(codeOf)).toEqual(["not_found", "after_refusal"]);
    expect(await chat.conversation().submit(bob, [submissionOf("x", { epoch: 2 })])).toMatchObject([
      { refused: { code: "not_found" } },
    ]);
  });
});

describe("[E14] leaving", () => {
  it("ends what the user gets; the next to send commits the removal, until then messages are refused", async () => {
    const chat = await foundGroup(4);
    const [bob, carol] = [member(chat, 0), member(chat, 1)];
    const socket = await openLiveChat(chat, bob);
    const known = submissionOf("before");
    await chat.conversation().submit(carol, [known]);
    const leave = await chat.mls.leave(bob);
    const left = await chat.conversation().leave(bob, leave);
    expect(seqOf(left)).toBe(3);
    expect(await socket.untilClosed()).toMatchObject({ code: 4404 });
    expect(socket.entries().map(({ seq }) => seq)).toEqual([1, 2]);
    expect(await chat.conversation().leave(bob, leave)).toEqual(left);
    expect(await chat.conversation().state(bob)).toBeNull();
    expect(await stateFor(chat, carol)).toMatchObject({ to_remove: [bob], epoch: 1 });
    expect((await chat.conversation().submit(carol, [submissionOf("x")])).map(codeOf)).toEqual([
      "commit_required",
    ]);
    expect(seqOf((await chat.conversation().submit(carol, [known]))[0])).toBe(2);
    expect(codeOf(await commitTo(chat, carol))).toBe("commit_required");
    expect(codeOf(await commitTo(chat, carol, { remove: [member(chat, 2)] }))).toBe("commit_required");
    await hibernate(chat);
    expect(seqOf(await commitTo(chat, carol, { remove: [bob] }))).toBe(4);
    await chat.conversation().submit(carol, [submissionOf("after", { epoch: 2 })]);
    const page = JSON.parse((await chat.conversation().page(bob, 0, 50)) ?? "null");
    expect(page.entries.map(({ kind }: { kind: string }) => kind)).toEqual(["commit", "message", "leave"]);
    expect(page.entries[2]).toMatchObject({
      generation: 1,
      epoch: 1,
      envelope: leave.signature,
      sender: bob,
    });
    await settle(chat);
  });

  it("an owner hands over first, unless it is alone; a direct chat is not left", async () => {
    const chat = await foundGroup(2);
    const bob = member(chat, 0);
    const leave = await chat.mls.leave(chat.owner);
    expect(await chat.conversation().leave(chat.owner, leave)).toMatchObject({
      refused: { code: "bad_roster", details: { where: "hand over first" } },
    });
    seqOf(await chat.conversation().leave(bob, await chat.mls.leave(bob)));
    seqOf(await chat.conversation().leave(chat.owner, leave));
    expect(await chat.conversation().state(chat.owner)).toBeNull();
    const direct = await foundDirectChat();
    const outcome = await direct.conversation().leave(direct.bob, await direct.mls.leave(direct.bob));
    expect(codeOf(outcome)).toBe("bad_roster");
  });

  it("[F8] who left may be added again, once it is out, and reads from there", async () => {
    const chat = await foundGroup(3);
    const bob = member(chat, 0);
    seqOf(await chat.conversation().leave(bob, await chat.mls.leave(bob)));
    await mustCommit(chat, member(chat, 1), { remove: [bob] });
    expect(seqOf(await commitTo(chat, chat.owner, { add: [bob] }))).toBe(4);
    expect(await stateFor(chat, bob)).toMatchObject({ first_seq: 4, to_remove: [] });
    const socket = await openLiveChat(chat, bob);
    expect(socket.entries().map(({ seq }) => seq)).toEqual([4]);
  });
});

describe("[E14] a device that was logged out", () => {
  it("is removed by whoever sends next; its user goes with its last device, the owner never", async () => {
    const chat = await foundGroup(4);
    const [bob, carol] = [member(chat, 0), member(chat, 1)];
    for (const device of [bob, chat.owner]) await chat.conversation().dropDevice(device);
    expect((await chat.conversation().submit(carol, [submissionOf("x")])).map(codeOf)).toEqual([
      "commit_required",
    ]);
    expect(codeOf(await commitTo(chat, carol, { remove: [bob] }))).toBe("commit_required");
    expect(seqOf(await commitTo(chat, carol, { remove: [bob, chat.owner] }))).toBe(2);
    const { members } = await stateFor(chat, carol);
    expect(members.map(({ user_id, role }) => [user_id, role])).toEqual([
      [chat.owner.user_id, "owner"],
      [carol.user_id, "member"],
      [member(chat, 2).user_id, "member"],
    ]);
    const next = { ...chat.owner, device_id: 2 };
    await chat.inbox(next).addDevice(2);
    expect(seqOf(await sendCommit(chat, await chat.mls.join(next)))).toBe(3);
    expect(await rolesOf({ ...chat, owner: next })).toMatchObject({ [next.user_id]: "owner" });
  });

  it("in a direct chat leaves its user in it, who comes in with the next one", async () => {
    const chat = await foundDirectChat();
    await chat.conversation().dropDevice(chat.bob);
    const next = { ...chat.bob, device_id: 2 };
    await chat.inbox(next).addDevice(2);
    expect(seqOf(await commitTo(chat, chat.alice, { remove: [chat.bob] }))).toBe(2);
    expect(seqOf(await sendCommit(chat, await chat.mls.join(next)))).toBe(3);
    expect(seqOf((await chat.conversation().submit(next, [submissionOf("hi", { epoch: 3 })]))[0])).toBe(4);
  });
});

describe("[E15] a further generation", () => {
  it("is founded by the owner with those who are there; leaves, epoch and those left out follow", async () => {
    const chat = await foundGroup(4);
    const [bob, carol, dave] = [member(chat, 0), member(chat, 1), member(chat, 2)];
    await chat.conversation().submit(bob, [submissionOf("old")]);
    const byMember = await chat.mls.founding([bob, carol, chat.owner, dave], 2);
    expect(codeOf(await chat.conversation().found({ author: bob, ...byMember.request }))).toBe("not_allowed");
    const stranger = await newMember(chat);
    const withMore = await chat.mls.founding([chat.owner, stranger], 2);
    expect(codeOf(await chat.conversation().found({ author: chat.owner, ...withMore.request }))).toBe(
      "bad_roster",
    );
    const founding = await chat.mls.founding([chat.owner, carol, dave], 2);
    const call = { author: chat.owner, ...founding.request };
    const state = await chat.conversation().found(call);
    expect(state).toMatchObject({ state: { generation: 2, epoch: 1, head: 3, to_remove: [] } });
    expect(await chat.conversation().found(call)).toEqual(state);
    const rival = await chat.mls.founding([carol, chat.owner, dave], 2);
    expect(codeOf(await chat.conversation().found({ author: carol, ...rival.request }))).toBe(
      "already_founded",
    );
    chat.mls.founded(founding);
    expect(await chat.conversation().state(bob)).toBeNull();
    const stale = submissionOf("x", { generation: 1, epoch: 1 });
    expect((await chat.conversation().submit(carol, [stale])).map(codeOf)).toEqual(["stale_epoch"]);
    const fresh = submissionOf("new", { generation: 2, epoch: 1 });
    expect(seqOf((await chat.conversation().submit(carol, [fresh]))[0])).toBe(4);
    expect(seqOf(await commitTo(chat, chat.owner, { remove: [dave] }))).toBe(5);
    const page = JSON.parse((await chat.conversation().page(carol, 0, 50)) ?? "null");
    expect(page.entries[2]).toMatchObject({ kind: "commit", generation: 2, epoch: 0 });
  });

  it("of a direct chat is founded by either user, one of two at once, and skips no number", async () => {
    const chat = await foundDirectChat();
    const by = async (first: typeof chat.alice, generation: number) => {
      const other = first === chat.alice ? chat.bob : chat.alice;
      return await chat.mls.founding([first, other], generation);
    };
    const [one, other] = [await by(chat.alice, 2), await by(chat.bob, 2)];
    const skipping = await by(chat.alice, 4);
    expect(codeOf(await chat.conversation().found({ author: chat.alice, ...skipping.request }))).toBe(
      "stale_epoch",
    );
    const outcomes = await Promise.all([
      chat.conversation().found({ author: chat.alice, ...one.request }),
      chat.conversation().found({ author: chat.bob, ...other.request }),
    ]);
    expect(outcomes.map(codeOf)).toEqual([undefined, "already_founded"]);
    expect(outcomes[1]).toMatchObject({ state: { generation: 2, head: 2 } });
    const asGroup = { ...(await by(chat.alice, 3)).request, kind: "group" as const };
    expect(codeOf(await chat.conversation().found({ author: chat.alice, ...asGroup }))).toBe("bad_roster");
  });
});

describe("bounds of a group", () => {
  it("[E17] five devices of a user, however they come", async () => {
    const chat = await foundGroup(2);
    const bob = member(chat, 0);
    const own = (id: number) => ({ ...bob, device_id: id });
    for (let id = 2; id <= limits.devicesPerUserMax; id++) await mustCommit(chat, bob, { add: [own(id)] });
    expect(codeOf(await commitTo(chat, bob, { add: [own(6)] }))).toBe("bad_roster");
    expect(codeOf(await sendCommit(chat, await chat.mls.join(own(6))))).toBe("bad_roster");
    expect(codeOf(await sendCommit(chat, await chat.mls.join(own(6), own(2))))).toBeUndefined();
  });
});
