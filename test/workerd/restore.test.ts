/** [L5] A log that was restored to an older point: who notices, who is believed, and what becomes of what was held. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Position } from "../../src/protocol/entry.ts";
import {
  type ChatSocket,
  type DirectChat,
  foundDirectChat,
  openChat,
  openInbox,
  openLiveChat,
  openLiveInbox,
  sendFrame,
  submissionOf,
} from "./support/direct-chat.ts";
import { alarmOf, eventually, heldSeqs, settle } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Puts the log back to `head`, as a point-in-time restore would, with the name it bore then. */
async function restore(chat: DirectChat, head: number, logId?: string): Promise<void> {
  await runInDurableObject(chat.conversation(), (_, state) => {
    state.storage.sql.exec("DELETE FROM entries WHERE seq > ?", head);
    if (logId !== undefined)
      state.storage.sql.exec("UPDATE conversation SET log_id = ?, former_log_ids = '[]'", logId);
  });
  await evictDurableObject(chat.conversation(), { webSockets: "hibernate" });
}
async function append(chat: DirectChat, count: number, author = chat.alice): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => submissionOf(`m${index}`));
  for (const outcome of await chat.conversation().submit(author, messages))
    expect(outcome).toHaveProperty("accepted");
}
async function positionOf(chat: DirectChat): Promise<Position> {
  const state = await chat.conversation().state(chat.alice);
  if (state === null) throw new Error("no state");
  return state.position;
}
async function hello(
  chat: DirectChat,
  device: typeof chat.alice,
  position: Position | null,
): Promise<ChatSocket> {
  const socket = await openChat(chat, device);
  socket.send({ type: "hello", conversation_id: chat.id, position });
  return socket;
}

describe("a restored log", () => {
  it("[L5] gets a new log_id by a genuine position past its head; others are told to resume", async () => {
    const chat = await foundDirectChat({ alice: 2, bob: 1 });
    const other = await openLiveChat(chat, chat.bob);
    await append(chat, 9);
    await other.untilSeq(10);
    other.send({ type: "ack", conversation_id: chat.id, seq: 10 });
    await eventually(async () => {
      const state = await chat.conversation().state(chat.alice);
      return state?.members.some((member) => member.delivered === 10) === true;
    }, "the ack");
    // At rest, so that no alarm closes the other for another reason.
    await settle(chat);
    const before = await positionOf(chat);
    await restore(chat, 4);
    const witness = await hello(chat, chat.alice, before);
    const ready = await witness.frame("ready");
    expect(ready).toMatchObject({ resync: true, state: { head: 4 } });
    expect(ready.state.log_id).not.toBe(before.log_id);
    expect(await other.untilClosed()).toMatchObject({ code: 4410 });
    await witness.untilSeq(4);
    expect(witness.entries().map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    // The same evidence from another device explains nothing new: the name stays.
    const second = await hello(chat, { ...chat.alice, device_id: 2 }, before);
    expect(await second.frame("ready")).toMatchObject({
      resync: true,
      state: { log_id: ready.state.log_id },
    });
    expect(witness.closed).toBeNull();
  });

  it("[L5] a forged MAC resyncs only the one who brings it", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveChat(chat, chat.bob);
    const genuine = await positionOf(chat);
    for (const lie of [
      { ...genuine, seq: 50 },
      { ...genuine, message_id: submissionOf("").message_id },
      { ...genuine, log_id: "A".repeat(22) },
      { ...genuine, seq: 50, mac: "A".repeat(22) },
    ]) {
      const liar = await hello(chat, chat.alice, lie);
      expect(await liar.frame("ready")).toMatchObject({ resync: true, state: { log_id: genuine.log_id } });
    }
    expect(bob.closed).toBeNull();
    const honest = await hello(chat, chat.alice, genuine);
    expect(await honest.frame("ready")).toMatchObject({ resync: false });
  });

  it("[L5] a log restored behind its own renaming is renamed once, however many devices knew the lost name", async () => {
    const chat = await foundDirectChat({ alice: 2, bob: 1 });
    await append(chat, 5);
    const first = await positionOf(chat);
    await restore(chat, 3);
    const renamed = (await (await hello(chat, chat.alice, first)).frame("ready")).state.log_id;
    await append(chat, 3);
    const second = await positionOf(chat);
    expect(second.log_id).toBe(renamed);
    await restore(chat, 3, first.log_id);
    const witness = await hello(chat, chat.alice, second);
    const { log_id } = (await witness.frame("ready")).state;
    expect([first.log_id, renamed]).not.toContain(log_id);
    for (const device of [chat.bob, { ...chat.alice, device_id: 2 }]) {
      const late = await hello(chat, device, second);
      expect(await late.frame("ready")).toMatchObject({ resync: true, state: { log_id } });
    }
    expect(witness.closed).toBeNull();
  });

  it("[L5] [D2] rows held of the old log give way to the new one's, and nothing sticks", async () => {
    const chat = await foundDirectChat();
    await append(chat, 6);
    await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 7, "holding");
    const before = await positionOf(chat);
    await restore(chat, 3);
    const alice = await hello(chat, chat.alice, before);
    await alice.frame("ready");
    // Old rows go out to an unaware device; its ack is beyond the new head and takes them away.
    const unaware = await openInbox(chat, chat.bob);
    unaware.send({ type: "hello", store_id: null });
    await unaware.untilSeq(7);
    unaware.send({ type: "ack", conversation_id: chat.id, seq: 7 });
    expect(await unaware.frame("error")).toMatchObject({ code: "beyond_head", conversation_id: chat.id });
    expect(await heldSeqs(chat, chat.bob)).toEqual([]);
    await append(chat, 2);
    await unaware.until(
      () => unaware.entries().filter(({ seq }) => seq === 5).length === 2,
      "the new entry 5",
    );
    unaware.send({ type: "ack", conversation_id: chat.id, seq: 5 });
    while (await alarmOf(chat))
      await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 0, "letting go");
    const again = await openLiveInbox(chat, chat.bob);
    expect(again.entries()).toEqual([]);
  });

  it("[L5] what an Inbox remembers of the old log hides nothing of the new one", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveInbox(chat, chat.bob);
    await append(chat, 6);
    await bob.untilSeq(7);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 7 });
    await eventually(async () => {
      const state = await chat.conversation().state(chat.alice);
      return (
        state?.members.some((member) => member.user_id === chat.bob.user_id && member.delivered === 7) ===
        true
      );
    }, "the ack");
    const before = await positionOf(chat);
    await restore(chat, 3);
    await (await hello(chat, chat.alice, before)).frame("ready");
    await append(chat, 2);
    const log = (await positionOf(chat)).log_id;
    await bob.until(
      (received) =>
        received.some(
          (frame) => frame.type === "entries" && frame.log_id === log && frame.entries.at(-1)?.seq === 5,
        ),
      "the new log's entries",
    );
  });

  it("[L5] the Inbox's renewed store is told by its store_id, and closes sockets to say so", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveInbox(chat, chat.bob);
    const old = (await bob.frame("ready")).store_id;
    const renewed = await chat.inbox(chat.bob).renewStore();
    expect(renewed).not.toBe(old);
    expect(await bob.untilClosed()).toMatchObject({ code: 4410 });
    const again = await openLiveInbox(chat, chat.bob);
    expect((await again.frame("ready")).store_id).toBe(renewed);
  });

  it("[L5] a base_seq of the lost part is refused as beyond the head, and accepts nothing", async () => {
    const chat = await foundDirectChat();
    await append(chat, 5);
    await restore(chat, 3);
    const alice = await openLiveInbox(chat, chat.alice);
    alice.send(sendFrame(chat, "later", { base_seq: 6 }));
    expect(await alice.frame("refused")).toMatchObject({ code: "beyond_head", head: 3 });
  });
});
