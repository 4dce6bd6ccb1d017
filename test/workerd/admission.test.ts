/** What lets devices in: Welcomes until they have served, group info of the present epoch (E2, E12). */
import { base64 } from "@scure/base";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readGroupInfo } from "../../src/mls-guard/messages.ts";
import { readTree } from "../../src/mls-guard/tree.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { openLiveInbox, sendCommit, submissionOf } from "./support/direct-chat.ts";
import { eventually, hibernate, rowsOf, settle } from "./support/faults.ts";
import { foundGroup, type GroupChat, member, mustCommit, newMember, seqOf } from "./support/group-chat.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function kept(chat: GroupChat): Promise<{ welcomes: number; objects: number }> {
  const [row] = await rowsOf(
    chat.conversation(),
    "SELECT (SELECT count(*) FROM welcomes) AS welcomes, (SELECT count(*) FROM objects) AS objects",
  );
  return { welcomes: Number(row?.welcomes), objects: Number(row?.objects) };
}
async function acknowledge(chat: GroupChat, device: DeviceRef, seq: number): Promise<void> {
  const socket = await openLiveInbox(chat, device);
  await socket.untilSeq(seq);
  const acked = async () => {
    const rows = await rowsOf(chat.conversation(), "SELECT packed FROM progress");
    return (
      rows.length > 0 &&
      JSON.parse(String(rows[0]?.packed))[device.user_id]?.[2]?.[device.device_id]?.[0] >= seq
    );
  };
  await eventually(async () => {
    await settle(chat);
    return await acked();
  }, "the acknowledgement");
}

describe("a Welcome", () => {
  it("waits for each device that a commit added, with the tree of that epoch, also when the group has gone on", async () => {
    const chat = await foundGroup(3);
    const [bob, carol] = [member(chat, 0), member(chat, 1)];
    const tree = base64.encode(chat.mls.newest.tree);
    const welcome = base64.encode(chat.mls.newest.welcome ?? new Uint8Array());
    await mustCommit(chat, chat.owner);
    await hibernate(chat);
    for (const device of [bob, carol, bob])
      expect(await chat.conversation().welcome(device)).toEqual({
        conversation_id: chat.id,
        kind: "group",
        generation: 1,
        suite: "x25519",
        epoch: 0,
        seq: 1,
        inviter: chat.owner,
        welcome,
        tree,
      });
    for (const device of [chat.owner, { ...bob, device_id: 2 }, await newMember(chat)])
      expect(await chat.conversation().welcome(device)).toBeNull();
  });

  it("goes when its device has fetched it and acknowledged the commit, neither alone; its objects go with the last", async () => {
    const chat = await foundGroup(3);
    const [bob, carol] = [member(chat, 0), member(chat, 1)];
    await mustCommit(chat, chat.owner);
    await acknowledge(chat, bob, 2);
    expect(await chat.conversation().welcome(bob)).not.toBeNull();
    expect(await chat.conversation().welcome(carol)).not.toBeNull();
    expect(await kept(chat)).toEqual({ welcomes: 1, objects: 3 });
    await chat.conversation().submit(chat.owner, [submissionOf("x", { epoch: 2 })]);
    await settle(chat);
    expect(await chat.conversation().welcome(bob)).toBeNull();
    expect(await chat.conversation().welcome(carol)).not.toBeNull();
    await acknowledge(chat, carol, 3);
    // Nothing wakes for this alone: the next alarm looks.
    await chat.conversation().submit(chat.owner, [submissionOf("y", { epoch: 2 })]);
    await settle(chat);
    expect(await chat.conversation().welcome(carol)).toBeNull();
    expect(await kept(chat)).toEqual({ welcomes: 0, objects: 1 });
  });

  it("is of the device's latest addition, and none any more for one that was removed or came in by itself", async () => {
    const chat = await foundGroup(4);
    const [bob, carol, dave] = [member(chat, 0), member(chat, 1), member(chat, 2)];
    await mustCommit(chat, chat.owner, { remove: [bob, carol] });
    expect(await chat.conversation().welcome(bob)).toBeNull();
    seqOf(await sendCommit(chat, await chat.mls.join(dave)));
    expect(await chat.conversation().welcome(dave)).toBeNull();
    expect(await kept(chat)).toEqual({ welcomes: 0, objects: 1 });
    await mustCommit(chat, chat.owner, { add: [bob] });
    expect(await chat.conversation().welcome(bob)).toMatchObject({ seq: 4, epoch: 3 });
    const founding = await chat.mls.founding([chat.owner, bob, dave], 2);
    expect(await chat.conversation().found({ author: chat.owner, ...founding.request })).not.toHaveProperty(
      "refused",
    );
    expect(await chat.conversation().welcome(bob)).toMatchObject({ generation: 2, seq: 5, epoch: 0 });
    expect(await kept(chat)).toEqual({ welcomes: 1, objects: 2 });
  });
});

describe("a commit whose transaction fails", () => {
  it("[E2] leaves nothing of itself: no entry, no roster, no epoch, no object; then it is taken as if new", async () => {
    const chat = await foundGroup(3);
    const late = await newMember(chat);
    const all =
      "SELECT (SELECT group_concat(seq) FROM entries) AS seqs, (SELECT roster FROM conversation) AS roster, (SELECT epoch FROM conversation) AS epoch, (SELECT group_concat(hash) FROM objects) AS objects, (SELECT commit_seq FROM group_info) AS commit_seq";
    const before = await rowsOf(chat.conversation(), all);
    // The last of what a commit writes.
    await rowsOf(
      chat.conversation(),
      "CREATE TRIGGER planned BEFORE INSERT ON welcomes BEGIN SELECT RAISE(ABORT, 'planned'); END",
    );
    const made = await chat.mls.commit(chat.owner, { add: [late] });
    expect(await sendCommit(chat, made)).toMatchObject({ refused: { code: "internal" } });
    expect(await rowsOf(chat.conversation(), all)).toEqual(before);
    expect(await chat.conversation().state(late)).toBeNull();
    await rowsOf(chat.conversation(), "DROP TRIGGER planned");
    await hibernate(chat);
    expect(seqOf(await sendCommit(chat, made))).toBe(2);
    expect(await chat.conversation().welcome(late)).toMatchObject({ seq: 2, epoch: 1 });
  });
});

describe("group info", () => {
  it("is of the present epoch, with its tree and the commit that led there; for members' devices only", async () => {
    const chat = await foundGroup(3);
    const bob = member(chat, 0);
    await mustCommit(chat, bob, { remove: [], add: [] });
    const made = await chat.mls.commit(bob, { add: [{ ...bob, device_id: 2 }] });
    seqOf(await sendCommit(chat, made));
    await chat.conversation().submit(bob, [submissionOf("x", { epoch: 3 })]);
    await hibernate(chat);
    for (const device of [bob, { ...bob, device_id: 3 }]) {
      const info = await chat.conversation().groupInfo(device);
      expect(info).toMatchObject({ epoch: 3, commit_seq: 3, commit: made.request.envelope, suite: "x25519" });
      expect(readGroupInfo(base64.decode(info?.group_info ?? ""))).toMatchObject({ epoch: 3 });
      expect(readTree(base64.decode(String(info?.tree))).leaves).toHaveLength(4);
    }
    expect(await chat.conversation().groupInfo(await newMember(chat))).toBeNull();
    await mustCommit(chat, chat.owner, { remove: [member(chat, 1)] });
    expect(await chat.conversation().groupInfo(member(chat, 1))).toBeNull();
    await chat.conversation().dropDevice(bob);
    expect(await chat.conversation().groupInfo(bob)).toBeNull();
  });
});
