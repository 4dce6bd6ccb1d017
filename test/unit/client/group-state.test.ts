/** [E16] Who may set a group's state, as every member sees it: whatever the sealing, and whatever the server lets through. */
import { base64 } from "@scure/base";
import { describe, expect, it } from "vitest";
import { allowsCommit } from "../../../src/client/crypto/judge.ts";
import type { HeldGroup, MadeCommit, Position } from "../../../src/client/crypto/port.ts";
import { encodeState, type GroupState } from "../../../src/client/group-state.ts";
import type { ConversationRecord } from "../../../src/client/store/records.ts";
import { rulesFor } from "../../../src/client/sync/commit-state.ts";
import { type CommitReader, readCommitEntry } from "../../../src/client/sync/read-commit.ts";
import type { Reading } from "../../../src/client/sync/reading.ts";
import type { CommitEntry } from "../../../src/client/sync/roster.ts";
import type { Role } from "../../../src/protocol/mls.ts";
import {
  foundBy,
  newDevice,
  nowMs,
  position,
  type TestDevice,
  value,
  welcomeFor,
} from "./crypto/support/ports.ts";

function stateOf(name: string, roles: [TestDevice, Role][]): GroupState {
  const named = roles.map(([device, role]) => ({ user_id: device.ref.user_id, role }));
  return { v: 1, kind: "group", name, picture: null, roles: named };
}

/** Alice owns the group, Bob is an admin of it, Carol a member, who reads along. */
async function gulls() {
  const [alice, bob, carol] = [await newDevice(), await newDevice(), await newDevice()];
  const founded = await foundBy(alice, [bob, carol], "group");
  const { group: bobs } = value(await bob.port.joinByWelcome(welcomeFor(bob, founded, alice)));
  const { group: carols } = value(await carol.port.joinByWelcome(welcomeFor(carol, founded, alice)));
  const state = stateOf("Gulls", [
    [alice, "owner"],
    [bob, "admin"],
  ]);
  const { document, hash } = await alice.port.makeState(encodeState(state));
  const known = { conversationId: founded.conversationId, document, hash: base64.encode(hash) };
  const record = recordOf(founded.conversationId, known.hash, [alice, bob, carol], state);
  return { alice, bob, carol, founded, alices: founded.made.next, bobs, carols, known, record };
}

/** What `reader` makes of a commit by `author` that sets `state`, sealed or not. */
async function committed(
  author: TestDevice,
  group: HeldGroup,
  state: GroupState,
  { reader, reading, isSealed }: { reader: TestDevice; reading: Reading; isSealed: boolean },
) {
  const { document, hash } = await author.port.makeState(encodeState(state));
  const at = position(1);
  const change = { add: [], remove: [], document, position: at, nowMs };
  const made = value(await author.port.commit(group, change));
  const entry = entryOf(author, made, at, { add: [], remove: [] });
  const bytes = { commit: made.bytes, sealedState: isSealed ? made.sealedState : null };
  const read = await readCommitEntry(meansOf(reader), reading, entry, bytes);
  if ("type" in read) throw new Error("nothing is needed");
  return { read, hash: base64.encode(hash) };
}

function entryOf(
  author: TestDevice,
  made: MadeCommit,
  at: Position,
  roster_change: CommitEntry["roster_change"],
): CommitEntry {
  return {
    kind: "commit",
    seq: 2,
    message_id: at.messageId,
    sender: author.ref,
    sent_at: 0,
    generation: 1,
    epoch: 1,
    envelope: base64.encode(made.bytes),
    sealed_state: null,
    roster_change,
  };
}

function meansOf({ port, ref }: TestDevice): CommitReader {
  const self = { userId: ref.user_id, deviceId: ref.device_id };
  return { crypto: port, self, isSettled: () => false, agrees: async () => true };
}

describe("[E16] a commit whose author may not set the state", () => {
  it.each([
    ["a member, openly", "carol", true],
    ["a member, who seals nothing and means to tell it afterwards", "carol", false],
    ["an admin, openly", "bob", true],
  ] as const)("%s: the epoch moves on, the state and its hash stay", async (_, who, isSealed) => {
    const world = await gulls();
    const { known, record } = world;
    const author = world[who];
    const group = who === "bob" ? world.bobs : world.carols;
    const reading = { record, group: world.alices, document: known, pending: null };
    const taken = stateOf("Mine", [[author, "owner"]]);
    const { read } = await committed(author, group, taken, { reader: world.alice, reading, isSealed });
    expect(read.reading.group?.epoch).toBe(2);
    expect(read.reading.record).toMatchObject({ stateHash: known.hash, name: "Gulls", security: "ok" });
    expect(read.reading.document).toEqual(known);
    expect(read.followUps).toEqual([]);
  });
});

it("[E16] an admin cannot leave the group without a state that anybody can read", async () => {
  const { alice, bob, alices, bobs, known, record } = await gulls();
  const reading = { record, group: alices, document: known, pending: null };
  const none = { v: 1, kind: "direct" } as unknown as GroupState;
  const { read } = await committed(bob, bobs, none, { reader: alice, reading, isSealed: true });
  expect(read.reading.record.stateHash).toBe(known.hash);
  expect(read.reading.document).toEqual(known);
});

it("[E12] [E16] a device that comes in again forgets the state it knew, unless it is still the one", async () => {
  const { bob, bobs, founded, known, record } = await gulls();
  const at = position(0);
  const { made } = founded;
  const { conversationId } = founded;
  const join = { keys: bob.keys, conversationId, generation: 1, kind: "group", epoch: 1 } as const;
  const { groupInfo, tree } = made;
  for (const [stateHash, isKept] of [
    [founded.stateHash, false],
    [base64.decode(known.hash), true],
  ] as const) {
    const back = value(
      await bob.port.joinByGroupInfo({ ...join, groupInfo, tree, position: at, stateHash, nowMs }),
    );
    const rosterChange = { add: [bob.ref], remove: [bob.ref] };
    const pending = {
      conversationId,
      messageId: at.messageId,
      kind: "group",
      generation: 1,
      rosterChange,
    } as const;
    const reading: Reading = {
      record: { ...record, security: "repairing" },
      group: bobs,
      document: known,
      pending: { ...pending, origin: "joiner", made: back, document: null, baseSeq: 1 },
    };
    const entry = entryOf(bob, back, at, rosterChange);
    const read = await readCommitEntry(meansOf(bob), reading, entry, {
      commit: back.bytes,
      sealedState: null,
    });
    if ("type" in read) throw new Error("nothing is needed");
    const forgotten = { table: "documents", remove: [conversationId] };
    expect(read.changes.some((change) => JSON.stringify(change) === JSON.stringify(forgotten))).toBe(!isKept);
  }
});

it("[E12] [E14] whoever came in by itself takes the first member's commit at its word on who had left, and no further one", async () => {
  const { bob, carol, bobs, founded, record } = await gulls();
  const second = await newDevice(bob.ref.user_id, 2);
  const { conversationId, made, stateHash } = founded;
  const at = position(0);
  const { groupInfo, tree } = made;
  const keys = second.keys;
  const join = { keys, conversationId, generation: 1, kind: "group", epoch: 1, nowMs } as const;
  const joined = value(
    await second.port.joinByGroupInfo({ ...join, groupInfo, tree, position: at, stateHash }),
  );
  const added = { add: [second.ref], remove: [] };
  const common = { conversationId, messageId: at.messageId, kind: "group", generation: 1 } as const;
  const pending = {
    ...common,
    rosterChange: added,
    origin: "joiner",
    made: joined,
    document: null,
    baseSeq: 1,
  } as const;
  const asMember = { ...record, members: record.members.map((it) => ({ ...it, role: "member" as const })) };
  const before: Reading = { record: asMember, group: null, document: null, pending };
  const bytes = { commit: joined.bytes, sealedState: null };
  const means = { ...meansOf(second), isSettled: () => true };
  const entry = entryOf(second, joined, at, added);
  const own = await readCommitEntry(means, before, entry, bytes);
  if ("type" in own) throw new Error("nothing is needed");

  const rules = { kind: "group", leavers: [], goneDevices: [], roster: added } as const;
  const roles = asMember.members.map(({ userId, role }) => ({ userId, role }));
  const place = { seq: 2, epoch: 1, messageId: at.messageId, sender: second.ref };
  const applied = value(
    await bob.port.acceptCommit(bobs, {
      bytes: joined.bytes,
      place,
      rules: { ...rules, leavers: [], goneDevices: [], roles },
      pending: null,
    }),
  );
  if (applied.outcome !== "applied") throw new Error("it is applied");
  const then = position(2);
  const change = { add: [], remove: [carol.ref], document: founded.document, position: then, nowMs };
  const out = value(await bob.port.commit(applied.group, change));
  const removal = { ...entryOf(bob, out, then, { add: [], remove: [carol.ref] }), seq: 3, epoch: 2 };
  const outBytes = { commit: out.bytes, sealedState: out.sealedState };
  const read = await readCommitEntry(means, own.reading, removal, outBytes);
  if ("type" in read) throw new Error("nothing is needed");
  expect(read.reading.record).toMatchObject({ security: "ok", isUnaware: false });

  // The same from whoever has read all along.
  const aware = { ...own.reading, record: { ...own.reading.record, isUnaware: false } };
  const stopped = await readCommitEntry(means, aware, removal, outBytes);
  expect(stopped).toMatchObject({ reading: { record: { security: "fork" } } });
});

it("[E12] [E13] whoever came in by itself, and was told no state yet, lets the owner without devices come back", async () => {
  const { alice, bob, bobs, founded, record } = await gulls();
  const back = await newDevice(alice.ref.user_id, 2);
  const group = { ...bobs, devices: [bob.ref] };
  const members = record.members.map((it) => (it.role === "owner" ? { ...it, devices: [] } : it));
  const reading = { record: { ...record, members }, group, document: null, pending: null };
  const entry = entryOf(back, founded.made, position(1), { add: [back.ref], remove: [] });
  const join = { committer: back.ref, added: [], removed: [], isJoin: true };
  expect(allowsCommit(rulesFor(reading, group, entry), join)).toBe(true);

  // A member who is out stays out.
  const asMember = members.map((it) => ({ ...it, role: "member" as const }));
  const other = { ...reading, record: { ...record, members: asMember } };
  expect(allowsCommit(rulesFor(other, group, entry), join)).toBe(false);
});

describe("[E16] a commit whose author may", () => {
  it("sets it", async () => {
    const { alice, bob, carol, bobs, carols, known, record } = await gulls();
    const reading = { record, group: carols, document: known, pending: null };
    const next = stateOf("Terns", [
      [alice, "owner"],
      [bob, "admin"],
    ]);
    const { read, hash } = await committed(bob, bobs, next, { reader: carol, reading, isSealed: true });
    expect(read.reading.record).toMatchObject({ stateHash: hash, name: "Terns" });
  });

  it("is believed where the server keeps the state back: it is asked for", async () => {
    const { alice, bob, carol, bobs, carols, known, record } = await gulls();
    const reading = { record, group: carols, document: known, pending: null };
    const next = stateOf("Terns", [
      [alice, "owner"],
      [bob, "admin"],
    ]);
    const { read, hash } = await committed(bob, bobs, next, { reader: carol, reading, isSealed: false });
    expect(read.reading.record.stateHash).toBe(hash);
    expect(read.followUps).toEqual([{ type: "ask_for_state", hash }]);
  });
});

function recordOf(
  conversationId: string,
  stateHash: string,
  devices: TestDevice[],
  state: GroupState,
): ConversationRecord {
  return {
    conversationId,
    kind: "group",
    logId: "l",
    generation: 1,
    suite: "x25519",
    epoch: 1,
    isMember: true,
    toRemove: [],
    leavers: [],
    security: "ok",
    chain: null,
    stateHash,
    name: state.name,
    rejoinedAtMs: [],
    head: 1,
    firstSeq: 1,
    cursor: { seq: 1, messageId: null },
    proven: null,
    heldTo: 0,
    resync: null,
    members: devices.map(({ ref }) => ({
      userId: ref.user_id,
      role: state.roles.find(({ user_id }) => user_id === ref.user_id)?.role ?? "member",
      devices: [ref.device_id],
      delivered: 0,
      read: 0,
    })),
    ownRead: 0,
    ownReadConfirmed: 0,
    peerId: null,
    isProfileDue: false,
    lastActivityMs: 0,
  };
}
