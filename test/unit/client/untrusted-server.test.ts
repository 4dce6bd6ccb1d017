/** [E4] [E7] What a server that lies about rosters and Welcomes can make this device believe: nothing. */
import { base64 } from "@scure/base";
import { beforeEach, describe, expect, it } from "vitest";
import type { HeldGroup } from "../../../src/client/crypto/port.ts";
import { HeldGroups } from "../../../src/client/groups/held-groups.ts";
import { Joiner, type JoinerOptions } from "../../../src/client/groups/joiner.ts";
import type { PendingCommitRecord } from "../../../src/client/store/key-records.ts";
import type { ConversationRecord } from "../../../src/client/store/records.ts";
import { openSqliteStore } from "../../../src/client/store/sqlite.ts";
import type { Store } from "../../../src/client/store/store.ts";
import { EntryReader } from "../../../src/client/sync/entry-reader.ts";
import { type CommitReader, readCommitEntry } from "../../../src/client/sync/read-commit.ts";
import type { CommitEntry } from "../../../src/client/sync/roster.ts";
import { groupView } from "../../../src/client/views/groups.ts";
import type { DeviceRef } from "../../../src/protocol/ids.ts";
import { foundBy, newDevice, nowMs, packageOf, pair, position, value } from "./crypto/support/ports.ts";
import { FakeServer } from "./support/fake-server.ts";
import { VirtualEnvironment } from "./support/virtual-environment.ts";

const environment = new VirtualEnvironment(new FakeServer());
let store: Store;
beforeEach(async () => {
  store = await openSqliteStore(":memory:");
  return () => store.close();
});

describe("[E7] a Welcome that was never used", () => {
  it.each([
    ["of an older generation than the one held", 2, 2],
    ["of the generation held", 1, 1],
  ])("%s takes nothing's place", async (_, held, expected) => {
    const { alice, bob, founded, bobs } = await pair("direct");
    await keep({ ...bobs, generation: held });
    const groups = new HeldGroups(store, environment);
    const options = {
      crypto: bob.port,
      groups,
      keys: { deviceKeys: async () => bob.keys, packages: async () => bob.packages },
      blobs: { get: async (_id: string, blob: string) => base64.decode(blob) },
      desk: {
        store,
        call: async () => ({
          conversation_id: founded.conversationId,
          kind: "direct",
          generation: 1,
          suite: "x_wing",
          epoch: 0,
          seq: 1,
          inviter: alice.ref,
          welcome: base64.encode(founded.made.welcome ?? new Uint8Array()),
          tree: base64.encode(founded.made.tree),
        }),
      },
      onFailure: () => {},
      onLastResort: () => {},
    } as unknown as JoinerOptions;
    await new Joiner(options).takeWelcome(founded.conversationId, null);
    expect((await groups.get(founded.conversationId))?.generation).toBe(expected);
    expect(await store.all("usedWelcomes")).toEqual([]);
  });
});

it("[E4] one's own commit changes the roster as it was made, whatever the entry says of it", async () => {
  const { alice, founded, alices } = await pair("group");
  const carol = await newDevice();
  const at = position(1);
  const { document, conversationId } = founded;
  const add = [packageOf(carol, "group")];
  const made = value(await alice.port.commit(alices, { add, remove: [], document, position: at, nowMs }));
  const rosterChange = { add: [carol.ref], remove: [] };
  const common = { conversationId, messageId: at.messageId, kind: "group", generation: 1 } as const;
  const pending: PendingCommitRecord = {
    ...common,
    origin: "member",
    made,
    rosterChange,
    document,
    baseSeq: 1,
  };
  const entry: CommitEntry = {
    kind: "commit",
    seq: 2,
    message_id: at.messageId,
    sender: alice.ref,
    sent_at: 0,
    generation: 1,
    epoch: 1,
    envelope: base64.encode(made.bytes),
    sealed_state: null,
    // The server hides whom it adds.
    roster_change: { add: [], remove: [] },
  };
  const reader = readerOf(alice);
  const record = recordOf(conversationId, [alice.ref]);
  const start = { record, group: alices, document: null, pending };
  const read = await readCommitEntry(reader, start, entry, { commit: made.bytes, sealedState: null });
  if ("type" in read) throw new Error("nothing is needed");
  expect(read.reading.group?.epoch).toBe(2);
  expect(read.reading.record.members.map(({ userId }) => userId)).toContain(carol.ref.user_id);
  expect(read.body).toMatchObject({ notice: { type: "members_added", who: [carol.ref.user_id] } });
});

describe("[E4] the members of a group", () => {
  it("are all who have a leaf in it, also whom the server's roster leaves out", async () => {
    const [alice, bob, carol] = [await newDevice(), await newDevice(), await newDevice()];
    const { made, conversationId } = await foundBy(alice, [bob, carol], "group");
    await keep(made.next);
    const hidden = recordOf(conversationId, [alice.ref, bob.ref]);
    await store.apply([{ table: "conversations", put: hidden }]);
    const shown = await groupView(store, conversationId, alice.ref.user_id);
    expect(shown?.members.map(({ userId }) => userId)).toContain(carol.ref.user_id);
  });

  it("[E14] are without whoever left by a statement that was verified", async () => {
    const [alice, bob] = [await newDevice(), await newDevice()];
    const { made, conversationId } = await foundBy(alice, [bob], "group");
    await keep(made.next);
    const left = { ...recordOf(conversationId, [alice.ref]), leavers: [bob.ref.user_id] };
    await store.apply([{ table: "conversations", put: left }]);
    const shown = await groupView(store, conversationId, alice.ref.user_id);
    expect(shown?.members.map(({ userId }) => userId)).toEqual([alice.ref.user_id]);
  });
});

it("[E3] [E14] a leave statement of an earlier epoch, kept back or shown once more, takes nobody out", async () => {
  const { alice, bob, founded, alices, bobs } = await pair("group");
  const signature = value(await bob.port.signLeave(bobs, bob.keys));
  const { document, conversationId } = founded;
  const change = { add: [], remove: [], document, position: position(1), nowMs };
  const later = value(await alice.port.commit(alices, change)).next;
  const means = { store, crypto: alice.port, ownContent: () => null, blobs: new Map(), settled: [] };
  const self = { userId: alice.ref.user_id, deviceId: 1 };
  for (const [group, leavers] of [
    [alices, [bob.ref.user_id]],
    [later, []],
  ] as const) {
    const entry = {
      kind: "leave",
      seq: 2,
      message_id: position(1).messageId,
      sender: bob.ref,
      sent_at: 0,
      generation: 1,
      epoch: 1,
      envelope: base64.encode(signature),
    } as const;
    const record = recordOf(conversationId, [alice.ref, bob.ref]);
    const start = { record, group, document: null, pending: null };
    const read = await new EntryReader({ ...means, self }).read(start, entry, null);
    if ("type" in read) throw new Error("nothing is needed");
    expect(read.reading.record.leavers).toEqual(leavers);
  }
});

async function keep({ version: _, ratchets: __, ...put }: HeldGroup): Promise<void> {
  await store.apply([{ table: "groups", put }]);
}

function readerOf({ port, ref }: { port: CommitReader["crypto"]; ref: DeviceRef }): CommitReader {
  const self = { userId: ref.user_id, deviceId: ref.device_id };
  return { crypto: port, self, isSettled: () => false, agrees: async () => true };
}

function recordOf(conversationId: string, devices: readonly DeviceRef[]): ConversationRecord {
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
    stateHash: null,
    name: null,
    rejoinedAtMs: [],
    head: 1,
    firstSeq: 1,
    cursor: { seq: 1, messageId: null },
    proven: null,
    heldTo: 0,
    resync: null,
    members: devices.map(({ user_id, device_id }) => ({
      userId: user_id,
      role: "member",
      devices: [device_id],
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
