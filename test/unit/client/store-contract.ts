/** What every store must do. Run for both implementations in store.test.ts. */
import { beforeEach, describe, expect, it } from "vitest";
import type { GroupRecord, KeyPackageRecord } from "../../../src/client/store/key-records.ts";
import type { ConversationRecord, MessageRecord, OutboxRecord } from "../../../src/client/store/records.ts";
import { type Change, getValue, putValue, type Store } from "../../../src/client/store/store.ts";

export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`${name} store`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
      return () => store.close();
    });

    it("gives null for what it does not hold", async () => {
      expect(await store.get("conversations", ["a"])).toBeNull();
      expect(await store.get("messages", ["a", 1, 0])).toBeNull();
      expect(await getValue(store, "session")).toBeNull();
      expect(await store.range("outbox", { conversationId: "a" })).toEqual([]);
      expect(await store.all("conversations")).toEqual([]);
    });

    it("gives back exactly what was put, and the later of two", async () => {
      await store.apply([
        { table: "conversations", put: conversation("a") },
        putValue("inbox_store_id", "one"),
      ]);
      await store.apply([
        { table: "conversations", put: { ...conversation("a"), epoch: 7 } },
        putValue("inbox_store_id", "two"),
      ]);
      expect(await store.get("conversations", ["a"])).toEqual({ ...conversation("a"), epoch: 7 });
      expect(await getValue(store, "inbox_store_id")).toBe("two");
      expect(await store.all("conversations")).toHaveLength(1);
    });

    it("orders by number, not by text, and keeps conversations apart", async () => {
      const puts = [9, 10, 2, 100].map((seq) => put(message("a", seq)));
      await store.apply([...puts, put(message("b", 1)), put(message("aa", 3))]);
      const seqs = (await store.range("messages", { conversationId: "a" })).map((found) => found.seq);
      expect(seqs).toEqual([2, 9, 10, 100]);
    });

    it("gives a range with both ends, newest first and limited", async () => {
      await store.apply([1, 2, 3, 4, 5].map((seq) => put(message("a", seq))));
      const seqs = async (range: object) =>
        (await store.range("messages", { conversationId: "a", ...range })).map((found) => found.seq);
      expect(await seqs({ from: 2, to: 4 })).toEqual([2, 3, 4]);
      expect(await seqs({ to: 4, newestFirst: true, limit: 2 })).toEqual([4, 3]);
      expect(await seqs({ newestFirst: true, limit: 1 })).toEqual([5]);
      expect(await seqs({ from: 4 })).toEqual([4, 5]);
      expect(await seqs({ limit: 2 })).toEqual([1, 2]);
    });

    it("[L5] keeps several messages at one seq, in order", async () => {
      await store.apply([
        put(message("a", 2)),
        put({ ...message("a", 2), sub: 2 }),
        put({ ...message("a", 2), sub: 1 }),
      ]);
      const found = await store.range("messages", { conversationId: "a", from: 2, to: 2 });
      expect(found.map(({ sub }) => sub)).toEqual([0, 1, 2]);
      await store.apply([{ table: "messages", remove: ["a", 2, 1] }]);
      expect(await store.range("messages", { conversationId: "a", to: 2 })).toHaveLength(2);
    });

    it("[D6] counts unread between two marks, and no further than asked", async () => {
      const counted = [3, 5, 6, 8].map((seq) => put({ ...message("a", seq), countedSeq: seq }));
      await store.apply([...counted, put(message("a", 4)), put({ ...message("b", 5), countedSeq: 5 })]);
      expect(await store.countUnread("a", 0, 100, 1000)).toBe(4);
      expect(await store.countUnread("a", 3, 6, 1000)).toBe(2);
      expect(await store.countUnread("a", 0, 100, 2)).toBe(2);
      expect(await store.countUnread("a", 8, 8, 1000)).toBe(0);
      expect(await store.countUnread("a", 9, 8, 1000)).toBe(0);
      await store.apply([put(message("a", 5))]);
      expect(await store.countUnread("a", 0, 100, 1000)).toBe(3);
    });

    it("[E8] does all of a transaction or nothing of it", async () => {
      await store.apply([put(message("a", 1))]);
      const broken = { table: "outbox", put: { conversationId: "a" } } as unknown as Change;
      const changes: Change[] = [
        { table: "conversations", put: conversation("a") },
        { table: "messages", remove: ["a", 1, 0] },
        broken,
      ];
      await expect(store.apply(changes)).rejects.toThrow();
      expect(await store.get("conversations", ["a"])).toBeNull();
      expect(await store.get("messages", ["a", 1, 0])).not.toBeNull();
      // And it still works afterwards.
      await store.apply([{ table: "outbox", put: waiting("a", 1) }]);
      expect(await store.all("outbox")).toEqual([waiting("a", 1)]);
    });

    it("applies changes in the order given", async () => {
      await store.apply([
        { table: "outbox", put: waiting("a", 1) },
        { table: "outbox", remove: ["a", 1] },
        { table: "outbox", put: waiting("a", 2) },
      ]);
      expect((await store.range("outbox", { conversationId: "a" })).map(({ position }) => position)).toEqual([
        2,
      ]);
    });

    it("[E8] gives keys, groups and ratchets back byte for byte, with the message they opened", async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      const device = { user_id: "u", device_id: 1 };
      const group: GroupRecord = {
        conversationId: "a",
        generation: 1,
        kind: "direct",
        suite: "x_wing",
        epoch: 1,
        joinedEpoch: 0,
        devices: [device],
        state: bytes,
      };
      const ratchets = [10, 9].map((leafIndex) => ({
        conversationId: "a",
        epoch: 1,
        leafIndex,
        bytes: bytes.slice(leafIndex),
      }));
      await store.apply([
        { table: "groups", put: group },
        ...ratchets.map((record): Change => ({ table: "ratchets", put: record })),
        put(message("a", 1)),
      ]);
      expect(await store.get("groups", ["a"])).toEqual(group);
      expect((await store.get("groups", ["a"]))?.state).toBeInstanceOf(Uint8Array);
      const found = await store.range("ratchets", { conversationId: "a" });
      expect(found.map(({ leafIndex }) => leafIndex)).toEqual([9, 10]);
      expect(found[1]?.bytes).toEqual(bytes.slice(10));
      await store.apply([{ table: "ratchets", remove: ["a", 9] }]);
      expect(await store.range("ratchets", { conversationId: "a" })).toHaveLength(1);
    });

    it("[E6] lists key packages with their private halves, and forgets the used one", async () => {
      const own = (ref: string): KeyPackageRecord => ({
        ref,
        suite: "x25519",
        isLastResort: false,
        bytes: new Uint8Array([1]),
        initPrivateKey: new Uint8Array([2]),
        encryptionPrivateKey: new Uint8Array([3]),
        isUploaded: true,
        madeAtMs: 5,
      });
      await store.apply(["b", "a"].map((ref): Change => ({ table: "keyPackages", put: own(ref) })));
      expect(await store.all("keyPackages")).toEqual([own("a"), own("b")]);
      await store.apply([
        { table: "keyPackages", remove: ["a"] },
        { table: "usedWelcomes", put: { welcomeId: "w" } },
      ]);
      expect(await store.all("keyPackages")).toEqual([own("b")]);
      expect(await store.all("usedWelcomes")).toEqual([{ welcomeId: "w" }]);
    });

    it("forgets everything when wiped", async () => {
      await store.apply([
        put(message("a", 1)),
        { table: "outbox", put: waiting("a", 1) },
        putValue("installation_id", "x"),
      ]);
      await store.wipe();
      expect(await store.all("outbox")).toEqual([]);
      expect(await store.range("messages", { conversationId: "a" })).toEqual([]);
      expect(await getValue(store, "installation_id")).toBeNull();
    });
  });
}

function put(record: MessageRecord): Change {
  return { table: "messages", put: record };
}

function message(conversationId: string, seq: number): MessageRecord {
  const body = { type: "text", text: `é🦉 ${seq}` } as const;
  return { conversationId, seq, sub: 0, logId: "l", messageId: `m${seq}`, senderId: "u", sentAtMs: 5, body };
}

function waiting(conversationId: string, position: number): OutboxRecord {
  return {
    conversationId,
    position,
    messageId: `o${position}`,
    silent: false,
    sealed: { generation: 1, epoch: 1, envelope: "e30=" },
    content: { v: 1, type: "text", text: "t" },
    createdAtMs: 1,
    attempts: 0,
    state: "pending",
    failure: null,
  };
}

function conversation(conversationId: string): ConversationRecord {
  return {
    conversationId,
    kind: "direct",
    logId: "l",
    generation: 1,
    suite: "x_wing",
    epoch: 1,
    isMember: true,
    toRemove: [],
    leavers: [],
    security: "ok",
    chain: null,
    stateHash: null,
    name: null,
    rejoinedAtMs: [],
    head: 0,
    firstSeq: 1,
    cursor: { seq: 0, messageId: null },
    proven: null,
    heldTo: 0,
    resync: null,
    members: [],
    ownRead: 0,
    ownReadConfirmed: 0,
    peerId: null,
    isProfileDue: true,
    lastActivityMs: 0,
  };
}
