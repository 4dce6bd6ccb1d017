/** Receiving by HTTP: the same rows and cursors as the socket; and logging a device out. */

import { afterEach, describe, expect, it, vi } from "vitest";
import type { z } from "zod";
import { Conversation } from "../../durable/conversation/conversation.ts";
import type { pollAnswerSchema, pollRequestSchema } from "../../src/protocol/http.ts";
import {
  commitTo,
  type DirectChat,
  foundDirectChat,
  openChat,
  openInbox,
  openLiveChat,
  openLiveInbox,
  submissionOf,
} from "./support/direct-chat.ts";
import {
  armedAt,
  eventually,
  heldSeqs,
  hibernate,
  inboxAlarmOf,
  rowsOf,
  watchDeliver,
} from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

type Answer = z.infer<typeof pollAnswerSchema>;
async function poll(
  chat: DirectChat,
  request: Partial<z.infer<typeof pollRequestSchema>> = {},
): Promise<Answer> {
  const text = await chat.inbox(chat.bob).poll(1, { reports: [], wait_ms: 0, ...request });
  return JSON.parse(text ?? "null");
}
const seqs = (answer: Answer) => answer.frames.flatMap((frame) => frame.entries.map(({ seq }) => seq));
async function append(chat: DirectChat, count = 1): Promise<void> {
  await chat.conversation().submit(
    chat.alice,
    Array.from({ length: count }, () => submissionOf("m")),
  );
}

describe("the long poll", () => {
  it("[D2] [D4] gives what is held in bounded batches, again until it is acked, then says live", async () => {
    const chat = await foundDirectChat();
    await append(chat, 149);
    await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 150, "holding");
    expect(seqs(await poll(chat)).at(-1)).toBe(100);
    const again = await poll(chat);
    expect([seqs(again).length, again.live]).toEqual([100, false]);
    const rest = await poll(chat, { reports: [{ conversation_id: chat.id, acked: 100, read: 100 }] });
    expect([seqs(rest)[0], seqs(rest).at(-1)]).toEqual([101, 150]);
    const done = await poll(chat, { reports: [{ conversation_id: chat.id, acked: 150 }] });
    expect(done).toMatchObject({ frames: [], live: true, refused: [] });
    expect(await heldSeqs(chat, chat.bob)).toEqual([]);
    expect(await poll(chat, { reports: [{ conversation_id: chat.id, acked: 999 }] })).toMatchObject({
      refused: [{ conversation_id: chat.id, code: "beyond_head" }],
    });
  });

  it("[D4] wakes when something is stored", async () => {
    const chat = await foundDirectChat();
    await poll(chat, { reports: [{ conversation_id: chat.id, acked: 1 }] });
    const started = performance.now();
    const waiting = poll(chat, { wait_ms: 25_000 });
    await append(chat);
    expect(seqs(await waiting)).toEqual([2]);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it("a newer poll takes over at once, also while the older one's reports are under way", async () => {
    const chat = await foundDirectChat();
    await poll(chat, { reports: [{ conversation_id: chat.id, acked: 1 }] });
    const release = Promise.withResolvers<void>();
    const { acked } = Conversation.prototype;
    vi.spyOn(Conversation.prototype, "acked").mockImplementation(async function (
      this: Conversation,
      userId,
      reports,
    ) {
      await release.promise;
      return await acked.call(this, userId, reports);
    });
    const plain = poll(chat, { wait_ms: 25_000 });
    const reporting = poll(chat, { reports: [{ conversation_id: chat.id, acked: 1 }], wait_ms: 25_000 });
    expect(await plain).toMatchObject({ live: true });
    const newest = poll(chat, { wait_ms: 25_000 });
    release.resolve();
    expect(await reporting).toMatchObject({ live: true });
    await append(chat);
    expect(seqs(await newest)).toEqual([2]);
  });

  it("[D5] takes what a socket that is gone was handed", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveInbox(chat, chat.bob);
    await append(chat);
    await bob.untilSeq(2);
    bob.ws.close(1000);
    await bob.untilClosed();
    const answer = await poll(chat);
    expect(seqs(answer)).toContain(2);
  });
});

describe("a device that is logged out", () => {
  it("is out of its sockets and its poll at once, and gets nothing more", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 2 });
    const onChat = await openLiveChat(chat, chat.bob);
    const onInbox = await openLiveInbox(chat, chat.bob);
    const other = await openLiveInbox(chat, { ...chat.bob, device_id: 2 });
    const waiting = chat.inbox(chat.bob).poll(1, { reports: [], wait_ms: 25_000 });
    await eventually(async () => (await rowsOf(chat.inbox(chat.bob), "SELECT 1")).length === 1, "the poll");
    await chat.inbox(chat.bob).revokeDevice(1);
    expect(await waiting).toBeNull();
    expect(await onInbox.untilClosed()).toMatchObject({ code: 4403 });
    // The chats are told by the alarm, which is due at once and may have run by itself.
    await inboxAlarmOf(chat, chat.bob);
    expect(await onChat.untilClosed()).toMatchObject({ code: 4403 });
    const { calls } = watchDeliver();
    // [E14] What comes next is the commit that takes its leaf out.
    expect(await commitTo(chat, chat.alice, { remove: [chat.bob] })).toHaveProperty("accepted");
    await other.untilSeq(2);
    expect(calls.map(({ devices }) => devices)).toEqual([[2]]);
    expect(await heldSeqs(chat, chat.bob)).toEqual([]);
    expect(await (await openInbox(chat, chat.bob)).untilClosed()).toMatchObject({ code: 4403 });
    expect(await (await openChat(chat, chat.bob)).untilClosed()).toMatchObject({ code: 4404 });
    expect(await chat.conversation().page(chat.bob, 0, 10)).toBeNull();
    expect(await chat.inbox(chat.bob).poll(1, { reports: [], wait_ms: 0 })).toBeNull();
    await chat.inbox(chat.bob).addDevice(1);
    expect(await chat.inbox(chat.bob).conversations(1, null)).toBeNull();
  });

  it("[F5] one Conversation that fails keeps no other from being told, and is told later", async () => {
    const chat = await foundDirectChat();
    const chats = [
      chat,
      ...(await Promise.all([0, 1, 2].map(() => foundDirectChat({ alice: 1, bob: 1 }, chat.bob)))),
    ];
    // A report that fails forever stands beside it.
    const { acked, dropDevice } = Conversation.prototype;
    vi.spyOn(Conversation.prototype, "acked").mockImplementation(async () => {
      throw new Error("planned: the call is lost");
    });
    let failing = true;
    const told: string[] = [];
    const first = [...chats].sort((one, other) => (one.id < other.id ? -1 : 1))[0];
    vi.spyOn(Conversation.prototype, "dropDevice").mockImplementation(async function (
      this: Conversation,
      device,
    ) {
      const name = (this as unknown as { ctx: DurableObjectState }).ctx.id.name ?? "";
      if (failing && name === first?.id) throw new Error("planned: the call is lost");
      told.push(name);
      await dropDevice.call(this, device);
    });
    await chat.inbox(chat.bob).poll(1, { reports: [{ conversation_id: chat.id, acked: 1 }], wait_ms: 0 });
    await chat.inbox(chat.bob).revokeDevice(1);
    await inboxAlarmOf(chat, chat.bob);
    await eventually(() => new Set(told).size === 3, "telling the others");
    expect(await armedAt(chat.inbox(chat.bob))).not.toBeNull();
    failing = false;
    vi.mocked(Conversation.prototype.acked).mockImplementation(acked);
    await hibernate(chat, chat.bob);
    await inboxAlarmOf(chat, chat.bob);
    expect(new Set(told).size).toBe(4);
    expect(await rowsOf(chat.inbox(chat.bob), "SELECT revoked_after FROM devices")).toEqual([
      { revoked_after: "done" },
    ]);
  });

  it("is taken by a chat that has not been told yet, and by none that has, whatever token it still holds", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 2 });
    const { dropDevice } = Conversation.prototype;
    const told = Promise.withResolvers<void>();
    const drop = vi.spyOn(Conversation.prototype, "dropDevice").mockImplementation(async function (
      this: Conversation,
      device,
    ) {
      await told.promise;
      return await dropDevice.call(this, device);
    });
    await chat.inbox(chat.bob).revokeDevice(1);
    await eventually(() => drop.mock.calls.length > 0, "the call that tells the chat");
    // What an access token still lets through reaches the Conversation first: it acts on what it knows.
    const onChat = await openLiveChat(chat, chat.bob);
    expect(await chat.conversation().submit(chat.bob, [submissionOf("late")])).toMatchObject([
      { accepted: { seq: 2 } },
    ]);
    told.resolve();
    expect(await onChat.untilClosed()).toMatchObject({ code: 4403 });
    expect(await chat.conversation().submit(chat.bob, [submissionOf("too late")])).toMatchObject([
      { refused: { code: "not_found" } },
    ]);
    expect(await (await openChat(chat, chat.bob)).untilClosed()).toMatchObject({ code: 4404 });
    const state = await chat.conversation().state(chat.alice);
    expect(state).toMatchObject({ head: 2 });
  });

  it("[F4] whose chat was not told is found gone by the next delivery, and the alarm rests", async () => {
    const chat = await foundDirectChat();
    vi.spyOn(Conversation.prototype, "dropDevice").mockResolvedValue();
    await chat.inbox(chat.bob).revokeDevice(1);
    await append(chat);
    const { calls } = watchDeliver();
    await eventually(async () => {
      const [row] = await rowsOf(chat.conversation(), "SELECT roster FROM conversation");
      return String(row?.roster).includes("gone");
    }, "finding it gone");
    await append(chat);
    expect(calls.filter(({ from }) => from === 3)).toEqual([]);
  });
});
