// What the facade does when nobody attacks: found, add, remove, join, send, receive, race, save, load.
import { describe, expect, test } from "vitest";
import { devicesOf, epochOf, leavesOf } from "../../../src/client/mls/group.ts";
import { devicesPerUserMax } from "../../../src/client/mls/leaf-limits.ts";
import { isLeave, makeLeave } from "../../../src/client/mls/leave.ts";
import { commitmentOf, contentBytesMax, paddedLength } from "../../../src/client/mls/padding.ts";
import { contentOfState, openState, stateHash } from "../../../src/client/mls/sealed-state.ts";
import {
  decodeGroup,
  decodePending,
  encodeGroup,
  encodePending,
} from "../../../src/client/mls/serialization.ts";
import { anchorAfter, anchorOf } from "../../../src/client/mls/transcript.ts";
import { wipe } from "../../../src/client/mls/wipe.ts";
import { readMessage } from "../../../src/mls-guard/messages.ts";
import {
  comeIn,
  document,
  groupOf,
  invite,
  joinedFrom,
  newDevice,
  newGroup,
  pick,
  publish,
  text,
  value,
} from "./support/world.ts";

describe.each(["direct", "group"] as const)("a %s chat of two", (kind) => {
  test("[E1] [E10] messages go both ways, in the suite of its kind", async () => {
    const { members } = await newGroup(2, kind);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    expect(alice.group.suite).toBe(kind === "direct" ? "x_wing" : "x25519");
    expect(await bob.read(await alice.send("kittiwakes nest on cliffs"))).toBe("kittiwakes nest on cliffs");
    expect(await alice.read(await bob.send("and on window ledges"))).toBe("and on window ledges");
  });

  test("[E8] a group saved and loaded goes on where it was", async () => {
    const { members } = await newGroup(2, kind);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    await bob.read(await alice.send("one"));
    bob.group = value(await decodeGroup(encodeGroup(bob.group)));
    alice.group = value(await decodeGroup(encodeGroup(alice.group)));
    expect(await bob.read(await alice.send("two"))).toBe("two");
    expect(await alice.read(await bob.send("three"))).toBe("three");
  });
});

test("[E1] a message's size follows from 256·2ⁿ bytes of content, its authenticated data has one length", async () => {
  const { members } = await newGroup(2);
  const alice = pick(members, 0);
  const sizes: number[] = [];
  for (const length of [0, 1, 219, 220, 221, 476, 477, 5_000, contentBytesMax]) {
    const { bytes } = await alice.send("x".repeat(length));
    sizes.push(bytes.length);
    expect(readMessage(bytes).authenticatedData).toHaveLength(121);
  }
  const steps = sizes.map((size) => size - pick(sizes, 0));
  expect(steps.slice(0, 4)).toEqual([0, 0, 0, 0]);
  expect(steps.slice(4, 7)).toEqual([256, 256, 768]);
  expect(paddedLength(5_036)).toBe(8_192);
  expect(pick(sizes, 8)).toBeLessThan(68 * 1024);
});

test("[E20] a received message discloses the k that its commitment was made with", async () => {
  const { members } = await newGroup(2);
  const received = value(await pick(members, 1).receive(await pick(members, 0).send("insult")));
  expect(commitmentOf(received.k, received.content)).toEqual(received.data.commitment);
  expect(received.isLogCompared).toBe(true);
});

test("[E8] one message changes 76 bytes of a saved group, and these restore it", async () => {
  const { members } = await newGroup(12);
  const [alice, bob] = [pick(members, 0), pick(members, 1)];
  const saved = encodeGroup(bob.group);
  const first = value(await bob.receive(await alice.send("one")));
  expect(first.change.bytes).toHaveLength(76);
  bob.group = first.group;
  const sent = value(await bob.receive(await alice.send("two")));
  const restored = value(await decodeGroup(saved, [first.change, sent.change]));
  expect(encodeGroup(restored)).toEqual(encodeGroup(sent.group));
});

test("changes of an epoch that is over do not reach the stored group", async () => {
  const { members } = await newGroup(3);
  const [alice, bob] = [pick(members, 0), pick(members, 1)];
  const { change } = value(await bob.receive(await alice.send("one")));
  const entry = await alice.publish(value(await alice.commit()));
  await bob.accept(entry);
  const restored = value(await decodeGroup(encodeGroup(bob.group), [change]));
  expect(encodeGroup(restored)).toEqual(encodeGroup(bob.group));
});

test("[E3] no key of an epoch that is over is kept, in memory or in what is saved", async () => {
  const { members } = await newGroup(3);
  const [alice, bob] = [pick(members, 0), pick(members, 1)];
  const sizes: number[] = [];
  for (let i = 0; i < 4; i++) {
    await bob.accept(await alice.publish(value(await alice.commit())));
    for (const { group } of [alice, bob]) expect(group.state.historicalReceiverData.size).toBe(0);
    sizes.push(encodeGroup(bob.group).length);
  }
  expect(new Set(sizes).size).toBe(1);
});

test("the old state stays usable until the new one is stored, and secrets are wiped only then", async () => {
  const { members } = await newGroup(2);
  const [alice, bob] = [pick(members, 0), pick(members, 1)];
  const entry = await alice.send("again");
  const first = value(await bob.receive(entry));
  const second = value(await bob.receive(entry));
  expect(text(second.content)).toBe("again");
  wipe(first.spent);
  bob.group = second.group;
  expect(await bob.read(await alice.send("after"))).toBe("after");
});

test("members are added and removed, everybody follows, each epoch is one commit", async () => {
  const { log, members } = await newGroup(4);
  const [alice, bob, carol, dave] = [pick(members, 0), pick(members, 1), pick(members, 2), pick(members, 3)];
  const eve = await newDevice();
  const { own, claimed } = await invite(eve, "group");
  const entry = await bob.publish(value(await bob.commit({ add: [claimed], remove: [dave.ref] })));
  expect(await alice.accept(entry)).toBe("applied");
  expect(await carol.accept(entry)).toBe("applied");
  expect(await dave.accept(entry)).toBe("removed");
  const joined = await joinedFrom(log, eve, own, entry);
  expect(devicesOf(joined.group)).toEqual(devicesOf(bob.group));
  expect(await alice.read(await joined.send("hello"))).toBe("hello");
  expect(epochOf(alice.group)).toBe(2);
});

test("[E12] a new device comes in by external commit, and its user's old one gives its place up", async () => {
  const { log, members } = await newGroup(3);
  const [alice, bob, carol] = [pick(members, 0), pick(members, 1), pick(members, 2)];
  const laptop = await comeIn(log, members, { device: await newDevice(alice.ref.user_id, 2) });
  expect(await bob.read(await laptop.send("from the laptop"))).toBe("from the laptop");
  const tablet = await newDevice(alice.ref.user_id, 3);
  const other = await comeIn(log, [bob, carol], { device: tablet, replaces: alice.ref });
  expect(devicesOf(bob.group)).toContainEqual(tablet.ref);
  expect(devicesOf(bob.group)).not.toContainEqual(alice.ref);
  expect(await carol.read(await other.send("from the tablet"))).toBe("from the tablet");
});

test("[E2] a device that lost its state takes its own place again", async () => {
  const { log, members } = await newGroup(3);
  const [alice, bob, carol] = [pick(members, 0), pick(members, 1), pick(members, 2)];
  const again = await comeIn(log, [alice, bob], { device: carol.device });
  expect(leavesOf(alice.group)).toHaveLength(3);
  expect(await bob.read(await again.send("back"))).toBe("back");
  expect(value(await carol.acceptance(pick(log.entries, 1))).outcome).toBe("removed");
});

test("[E2] the loser of a race drops its commit, applies the winner's and tries again", async () => {
  const { log, members } = await newGroup(3);
  const [alice, bob, carol] = [pick(members, 0), pick(members, 1), pick(members, 2)];
  const dave = await newDevice();
  const { own, claimed } = await invite(dave, "group");
  const [won, lost] = [value(await alice.commit()), value(await bob.commit({ add: [claimed] }))];
  const entry = publish(log, won, alice.ref);
  expect(await alice.accept(entry, won)).toBe("adopted");
  expect(await bob.accept(entry, lost)).toBe("applied");
  expect(await carol.accept(entry)).toBe("applied");
  const second = await bob.publish(value(await bob.commit({ add: [claimed] })));
  await alice.accept(second);
  const joined = await joinedFrom(log, dave, own, second);
  expect(await alice.read(await joined.send("late"))).toBe("late");
});

test("[E8] a pending commit survives a restart and is recognised by its hash", async () => {
  const { log, members } = await newGroup(2);
  const [alice, bob] = [pick(members, 0), pick(members, 1)];
  const pending = value(await decodePending(encodePending(value(await alice.commit()))));
  alice.group = value(await decodeGroup(encodeGroup(alice.group)));
  const entry = publish(log, pending, alice.ref);
  expect(await alice.accept(entry, pending)).toBe("adopted");
  await bob.accept(entry);
  expect(await bob.read(await alice.send("on"))).toBe("on");
});

test("[E11] a commit has a path even when it only adds", async () => {
  const { members } = await newGroup(2);
  const alice = pick(members, 0);
  const { claimed } = await invite(await newDevice(), "group");
  const pending = value(await alice.commit({ add: [claimed] }));
  expect(await pick(members, 1).accept(publish(alice.log, pending, alice.ref))).toBe("applied");
});

test("[E16] the state opens for members of the new epoch, and for them alone", async () => {
  const { members } = await newGroup(3);
  const [alice, bob, carol] = [pick(members, 0), pick(members, 1), pick(members, 2)];
  const pending = value(await alice.commit({ remove: [carol.ref] }));
  const entry = await alice.publish(pending);
  const { data } = value(await bob.acceptance(entry));
  await bob.accept(entry);
  const sealed = pending.sealedState ?? new Uint8Array();
  const opened = value(await openState(bob.group, sealed, data.stateHash));
  expect(text(contentOfState(opened))).toContain("kittiwakes");
  expect((await openState(carol.group, sealed, stateHash(document))).failure).toBe("state_unreadable");
  expect((await openState(bob.group, sealed, new Uint8Array(32))).failure).toBe("state_mismatch");
});

test("[E12] the transcript of the public commits leads from an anchor to the GroupInfo", async () => {
  const { log, members } = await newGroup(3);
  const alice = pick(members, 0);
  const anchor = anchorOf(alice.group);
  for (let i = 0; i < 3; i++) await alice.publish(value(await alice.commit()));
  const commits = log.entries.slice(1).map((entry) => entry.bytes);
  expect(anchorAfter(anchor, commits, alice.group)).toEqual(anchorOf(alice.group));
  expect(() => anchorAfter(anchor, commits.slice(1), alice.group)).toThrow("wrong_epoch");
});

test("[E14] a statement of leaving is the leaf's own, for this group and user", async () => {
  const { members } = await newGroup(3);
  const [alice, bob, carol] = [pick(members, 0), pick(members, 1), pick(members, 2)];
  const statement = value(await makeLeave(bob.group, bob.device));
  expect(await isLeave(alice.group, statement)).toBe(true);
  expect(await isLeave(alice.group, { ...statement, device: carol.ref })).toBe(false);
  expect(await isLeave(alice.group, { ...statement, epoch: 0 })).toBe(false);
  const elsewhere = await groupOf([alice.device, bob.device], "group");
  expect(await isLeave(pick(elsewhere.members, 0).group, statement)).toBe(false);
});

test("[E17] all devices join up to 256 leaves, above each user brings an equal share", () => {
  expect(devicesPerUserMax(50, 150)).toBe(5);
  expect(devicesPerUserMax(600, 1_800)).toBe(3);
  expect(devicesPerUserMax(1_024, 3_072)).toBe(2);
});
