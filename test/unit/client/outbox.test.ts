import { beforeEach, describe, expect, it } from "vitest";
import { finalCodes, needsNewId, type repairFor } from "../../../src/client/outbox/repair.ts";
import { errorMessage } from "../../../src/protocol/errors.ts";
import { limits } from "../../../src/protocol/limits.ts";
import type { FakeSocket, Frame } from "./support/fake-sockets.ts";
import { type Client, strangerId, textEnvelope, World } from "./support/world.ts";

let world: World;
let alice: Client;
let bob: Client;
let chat: string;
beforeEach(async () => {
  world = new World();
  ({ alice, bob, chat } = await world.pair());
  return () => world.close();
});

const inbox = () => world.server.inboxSocket(alice.device);
const sends = (socket: FakeSocket) => socket.framesOf("send");
const own = async () =>
  (await alice.app.messages(chat)).filter((message) => message.isOwn && message.body.type === "text");
const logged = () =>
  world.server.log(chat).entries.flatMap((entry) => (entry.kind === "message" ? [entry.message_id] : []));
const statuses = async () => (await own()).map((message) => message.status);
const allSent = () =>
  world.environment.until(async () => (await statuses()).every((status) => status !== "pending"), "all sent");

describe("the outbox", () => {
  it("keeps a message before it shows it, and shows it before there is a network", async () => {
    world.server.isReachable = false;
    world.server.cutAll();
    await world.environment.advance(100);
    const sent = await alice.app.send(chat, "offline");
    expect((await alice.store.range("outbox", { conversationId: chat }))[0]?.messageId).toBe(sent.messageId);
    expect(await own()).toEqual([sent]);
    world.server.isReachable = true;
    await allSent();
    expect(await alice.store.all("outbox")).toEqual([]);
  });

  it("[L7] resends from the oldest unacknowledged on a new connection, the exact bytes, in order", async () => {
    const first = inbox();
    first.loses.add("accepted");
    const ids: string[] = [];
    for (const text of ["1", "2", "3"]) ids.push((await alice.app.send(chat, text)).messageId);
    await world.environment.advance(10);
    first.close(1006);
    await world.environment.until(() => world.server.open(alice.device).length > 0, "another socket");
    await allSent();
    const again = sends(inbox());
    expect(again.map((frame) => frame.message_id)).toEqual(ids);
    expect(again.map((frame) => frame.envelope)).toEqual(sends(first).map((frame) => frame.envelope));
    expect(logged()).toEqual(ids);
    expect((await own()).map((message) => message.seq)).toEqual([2, 3, 4]);
  });

  it("gives a socket up that does not answer, and sends on the next", async () => {
    const first = inbox();
    first.onFrame = () => {};
    await alice.app.send(chat, "into the void");
    await world.environment.advance(limits.ackTimeoutMs - 100);
    expect(first.isOpen).toBe(true);
    await allSent();
    expect(first.isOpen).toBe(false);
    expect(logged()).toHaveLength(1);
  });

  it("is settled by its own entry in the log, when the answer was lost [L3]", async () => {
    inbox().loses.add("accepted");
    const { messageId } = await alice.app.send(chat, "lost answer");
    await world.environment.advance(10);
    expect(await statuses()).toEqual(["pending"]);
    // Bob's answer comes behind it: the gap is fetched, and there it is.
    world.server.say(chat, bob.device, textEnvelope("answer"), strangerId());
    await world.environment.advance(100);
    expect(await own()).toMatchObject([{ messageId, seq: 2, status: "delivered" }]);
    expect(await alice.store.all("outbox")).toEqual([]);
    expect(sends(inbox())).toHaveLength(1);
  });

  it("keeps no more in flight than the bound", async () => {
    const socket = inbox();
    socket.loses.add("accepted");
    for (let count = 0; count < limits.outboxInFlightMax + 5; count += 1)
      await alice.app.send(chat, `${count}`);
    await world.environment.advance(100);
    expect(sends(socket)).toHaveLength(limits.outboxInFlightMax);
  });

  it("uses the chat's socket only once nothing is under way on the inbox socket", async () => {
    const first = inbox();
    first.onFrame = () => {};
    await alice.app.send(chat, "1");
    alice.app.openChat(chat);
    await world.environment.advance(100);
    await alice.app.send(chat, "2");
    await world.environment.advance(100);
    expect(world.server.log(chat).head).toBe(1);
    const chatSocket = world.server.open(alice.device).find((socket) => socket.conversationId === chat);
    expect(sends(chatSocket as FakeSocket)).toEqual([]);
    first.close(1006);
    await allSent();
    expect(sends(chatSocket as FakeSocket).map((frame) => frame.message_id)).toEqual(logged());
  });

  it("[D3] an answer that comes before what lies below it: the message shows, the cursor waits", async () => {
    // Bob's client would fetch pages too.
    await bob.app.close();
    const log = world.server.log(chat);
    const body = {
      message_id: strangerId(),
      epoch: 1,
      base_seq: 0,
      silent: false,
      envelope: textEnvelope("below"),
    };
    log.forge(bob.device, body, 0);
    await alice.app.send(chat, "above");
    await world.environment.advance(10);
    const cursor = async () => (await alice.store.get("conversations", [chat]))?.cursor.seq;
    expect(await cursor()).toBe(1);
    expect((await own())[0]?.seq).toBe(3);
    world.server.deliver(log, 2);
    await world.environment.advance(10);
    expect(await cursor()).toBe(3);
    expect(await world.texts(alice, chat)).toEqual(["(notice)", "below", "above"]);
    expect(world.server.requests.filter((request) => request.path.includes("/entries?after=1"))).toEqual([]);
  });

  it("[D1] [D4] resumes from the last entry without a gap below, not from an own message beyond one", async () => {
    await bob.app.close();
    const log = world.server.log(chat);
    const message = { message_id: strangerId(), epoch: 1, base_seq: 0, silent: false };
    log.forge(bob.device, { ...message, envelope: textEnvelope("below") }, 0);
    await alice.app.send(chat, "above");
    await world.environment.advance(10);
    expect((await own())[0]?.seq).toBe(3);
    alice.app.openChat(chat);
    await world.environment.advance(10);
    const socket = world.server.open(alice.device).find((open) => open.conversationId === chat);
    const position = socket?.framesOf("hello")[0]?.position as { seq: number } | null | undefined;
    expect(position?.seq ?? 0).toBeLessThanOrEqual(1);
    expect(await world.texts(alice, chat)).toEqual(["(notice)", "below", "above"]);
  });

  it("[D3] what lies below an answer is fetched if it does not come", async () => {
    const body = {
      message_id: strangerId(),
      epoch: 1,
      base_seq: 0,
      silent: false,
      envelope: textEnvelope("below"),
    };
    world.server.log(chat).forge(bob.device, body, 0);
    await alice.app.send(chat, "above");
    await world.environment.advance(limits.gapPatienceMs + 10);
    expect(await world.texts(alice, chat)).toEqual(["(notice)", "below", "above"]);
  });

  it("[L3] names as base the cursor, and on a resend a higher one up to which it holds the log", async () => {
    for (const text of ["a", "b"]) world.server.say(chat, bob.device, textEnvelope(text), strangerId());
    await world.environment.advance(10);
    const first = inbox();
    first.onFrame = () => {};
    await alice.app.send(chat, "late");
    await world.environment.advance(10);
    expect(sends(first)[0]).toMatchObject({ base_seq: 3 });
    first.close(1006);
    await world.environment.until(() => world.server.open(alice.device).length > 0, "another socket");
    await allSent();
    const between = world.server
      .log(chat)
      .entries.findIndex(
        (entry) => entry.kind === "message" && entry.sender.user_id === alice.device.user_id,
      );
    expect(Number(sends(inbox())[0]?.base_seq)).toBeLessThanOrEqual(between);
  });

  it("keeps its order and loses nothing while the store cannot write for a moment", async () => {
    const { apply } = alice.store;
    let failures = 3;
    alice.store.apply = async (changes) => {
      const isAnswer = changes.some((change) => change.table === "entries");
      if (isAnswer && failures-- > 0) throw new Error("disk full");
      return await apply.call(alice.store, changes);
    };
    for (const text of ["1", "2", "3", "4"]) await alice.app.send(chat, text);
    await world.environment.until(async () => (await alice.store.all("outbox")).length === 0, "all settled");
    expect((await world.texts(alice, chat)).slice(1)).toEqual(["1", "2", "3", "4"]);
    expect(logged()).toHaveLength(4);
  });
});

describe("a refusal", () => {
  const refuse = (code: Parameters<typeof repairFor>[0], retry_after_ms?: number) =>
    world.server.refuseNext.push(retry_after_ms === undefined ? { code } : { code, retry_after_ms });

  it("[E3] stale_epoch: catches up, encodes again under the same id, says proceed, and keeps the order [L7]", async () => {
    const log = world.server.log(chat);
    const body = {
      message_id: strangerId(),
      epoch: 1,
      base_seq: 1,
      silent: false,
      envelope: textEnvelope("x"),
    };
    const added = { user_id: bob.device.user_id, device_id: 9 };
    log.forge(bob.device, { ...body, roster_change: { add: [added], remove: [] } }, 0);
    const ids: string[] = [];
    for (const text of ["1", "2", "3"]) ids.push((await alice.app.send(chat, text)).messageId);
    await allSent();
    expect(logged()).toEqual(ids);
    expect(inbox().framesOf("proceed").length).toBeGreaterThan(0);
    const last = sends(inbox()).at(-1);
    expect(last).toMatchObject({ epoch: 2 });
    expect((await world.texts(alice, chat)).slice(-3)).toEqual(["1", "2", "3"]);
  });

  it("[E3] only stale_epoch changes the bytes under an id", async () => {
    refuse("base_too_old");
    refuse("busy", 100);
    refuse("rate_limited", 100);
    await alice.app.send(chat, "same bytes");
    await allSent();
    expect(new Set(sends(inbox()).map((frame) => `${frame.message_id} ${frame.envelope}`)).size).toBe(1);
    expect(sends(inbox())).toHaveLength(4);
  });

  it("[E3] another epoch does not change the bytes either, before the server has said stale_epoch", async () => {
    const commit = {
      message_id: strangerId(),
      epoch: 1,
      base_seq: 1,
      silent: false,
      envelope: textEnvelope("x"),
    };
    const added = { user_id: bob.device.user_id, device_id: 9 };
    world.server.log(chat).forge(bob.device, { ...commit, roster_change: { add: [added], remove: [] } }, 0);
    refuse("base_too_old");
    await alice.app.send(chat, "patient");
    await allSent();
    expect(sends(inbox()).map((frame) => frame.epoch)).toEqual([1, 1, 2]);
  });

  it.each(["id_conflict", "bad_message_id", "bad_frame", "too_large", "not_found"] as const)(
    "%s: failed and shown, proceed, later ones flow",
    async (code) => {
      refuse(code);
      await alice.app.send(chat, "poison");
      await alice.app.send(chat, "after");
      await allSent();
      expect(await own()).toMatchObject([
        { body: { text: "after" }, status: "delivered", failure: null },
        { body: { text: "poison" }, status: "failed", failure: errorMessage(code) },
      ]);
      expect(inbox().framesOf("proceed")).toHaveLength(1);
    },
  );

  it("[E3] id_conflict: what went out before and came in late is sent, and nobody is told to try again", async () => {
    refuse("id_conflict");
    const { messageId } = await alice.app.send(chat, "late");
    const envelope = textEnvelope("late");
    const body = { message_id: messageId, epoch: 1, base_seq: 1, silent: false, envelope };
    world.server.log(chat).forge(alice.device, body, 0);
    await allSent();
    expect(logged()).toEqual([messageId]);
    expect(await own()).toMatchObject([{ body: { text: "late" }, failure: null }]);
  });

  it.each(["rate_limited", "busy"] as const)(
    "%s: waits as long as it was told, then resends in order",
    async (code) => {
      refuse(code, 5000);
      const ids = [(await alice.app.send(chat, "1")).messageId, (await alice.app.send(chat, "2")).messageId];
      await world.environment.advance(4900);
      expect(logged()).toEqual([]);
      alice.app.wake();
      await world.environment.advance(0);
      expect(logged()).toEqual([]);
      await world.environment.advance(200);
      expect(logged()).toEqual(ids);
    },
  );

  it("[L5] beyond_head: shows its position on the chat's socket, and resends into the new log", async () => {
    for (const text of ["a", "b"]) world.server.say(chat, bob.device, textEnvelope(text), strangerId());
    await world.environment.advance(10);
    world.server.log(chat).restore(1, "L2");
    await alice.app.send(chat, "after the restore");
    await allSent();
    expect(world.server.log(chat).entries).toHaveLength(2);
    expect(await world.texts(alice, chat)).toEqual(["(notice)", "a", "b", "(notice)", "after the restore"]);
  });

  it("gives up after the bounded number of answers, never for a missing network", async () => {
    for (let count = 0; count < limits.outboxAttemptsMax; count += 1) refuse("busy", 1);
    await alice.app.send(chat, "unlucky");
    await world.environment.until(async () => (await statuses())[0] === "failed", "given up");
    expect((await own())[0]?.failure).toBe(errorMessage("busy"));
    world.server.refuseNext = [];
    world.server.isReachable = false;
    world.server.cutAll();
    await alice.app.send(chat, "offline for long");
    await world.environment.advance(3 * 60 * 60_000);
    expect((await own()).at(-1)?.status).toBe("pending");
  });

  it("a failed message can be tried again, under a new id where the old one is used up", async () => {
    for (const code of ["too_large", "id_conflict"] as const) {
      refuse(code);
      const { messageId } = await alice.app.send(chat, code);
      await world.environment.until(async () => (await statuses()).includes("failed"), "failed");
      await alice.app.retry(chat, messageId);
      await allSent();
      expect(logged().includes(messageId)).toBe(!needsNewId(code));
    }
    expect(await statuses()).toEqual(["delivered", "delivered"]);
  });

  it("several tried again at once keep places of their own in the store, and all are sent", async () => {
    for (const text of ["1", "2", "3"]) {
      refuse("too_large");
      await alice.app.send(chat, text);
      await world.environment.advance(100);
    }
    const failed = (await own()).filter((message) => message.status === "failed");
    expect(failed).toHaveLength(3);
    world.server.isReachable = false;
    world.server.cutAll();
    await Promise.all(failed.map(({ messageId }) => alice.app.retry(chat, messageId)));
    const kept = await alice.store.all("outbox");
    expect(kept.map((item) => item.state)).toEqual(["pending", "pending", "pending"]);
    world.server.isReachable = true;
    alice.app.wake();
    await allSent();
  });

  it("[L5] one tried again while its log is replaced is not left behind in the store", async () => {
    refuse("too_large");
    const { messageId } = await alice.app.send(chat, "again");
    await world.environment.until(async () => (await statuses()).includes("failed"), "failed");
    world.server.log(chat).restore(1, "L2");
    const { apply } = alice.store;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    alice.store.apply = async (changes) => {
      // The move to the new log waits, and the other tries to come first.
      const tables = new Set(changes.map((change) => change.table));
      if (tables.has("conversations") && tables.has("outbox")) await held;
      await apply.call(alice.store, changes);
    };
    const closeChat = alice.app.openChat(chat);
    await world.environment.advance(5_000);
    const retried = alice.app.retry(chat, messageId);
    release();
    await retried;
    await world.environment.until(async () => (await alice.store.all("outbox")).length === 0, "sent");
    closeChat();
  });

  it("a failed message can be discarded, a waiting one cannot", async () => {
    refuse("too_large");
    const failed = await alice.app.send(chat, "failed");
    await world.environment.until(async () => (await statuses()).includes("failed"), "failed");
    world.server.isReachable = false;
    world.server.cutAll();
    const waiting = await alice.app.send(chat, "waiting");
    await alice.app.discard(chat, failed.messageId);
    await alice.app.discard(chat, waiting.messageId);
    expect((await own()).map((message) => message.messageId)).toEqual([waiting.messageId]);
  });

  it("every code of the protocol has its repair", () => {
    const kept = [
      "stale_epoch",
      "base_too_old",
      "beyond_head",
      "after_refusal",
      "rate_limited",
      "busy",
      "internal",
      "unauthorized",
    ] as const;
    for (const code of kept) expect(finalCodes).not.toContain(code);
    expect(finalCodes).toContain("bad_frame");
  });
});

describe("after a crash", () => {
  it("what was written is sent by the next run, once [E3]", async () => {
    inbox().loses.add("accepted");
    const { messageId } = await alice.app.send(chat, "before the crash");
    await world.environment.advance(10);
    const frames: Frame[] = [];
    world.server.onSocket = (socket) => {
      const { onFrame } = socket;
      socket.onFrame = (frame, from) => {
        frames.push(frame);
        onFrame(frame, from);
      };
    };
    // The store lives on; the process does not.
    const survivor = { ...alice.store, close: async () => {} };
    for (const method of ["get", "range", "all", "countUnread", "apply", "wipe"] as const) {
      Object.assign(survivor, { [method]: alice.store[method].bind(alice.store) });
    }
    world.server.cutAll();
    const again = await world.open(survivor);
    await world.live(again);
    await world.environment.until(
      async () => (await again.messages(chat)).at(-1)?.status === "delivered",
      "sent",
    );
    expect(logged()).toEqual([messageId]);
    expect(
      frames.filter((frame) => frame.type === "send").every((frame) => frame.message_id === messageId),
    ).toBe(true);
  });
});
