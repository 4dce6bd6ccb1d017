/** Watermarks [R1] [R3]: monotonic, never beyond the head, confirmed only once stored, gathered behind the call under way. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { Inbox } from "../../durable/inbox/inbox.ts";
import type { ReceiptsCall } from "../../durable/rpc.ts";
import type { Watermark } from "../../src/protocol/entry.ts";
import {
  type ChatSocket,
  type DirectChat,
  foundDirectChat,
  type InboxSocket,
  openLiveChat,
  openLiveInbox,
  sendFrame,
  submissionOf,
} from "./support/direct-chat.ts";
import { alarmOf, eventually, hibernate, rowsOf, settle } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function append(chat: DirectChat, count = 1): Promise<void> {
  await chat.conversation().submit(
    chat.alice,
    Array.from({ length: count }, () => submissionOf("m")),
  );
}
function receiptsOf(socket: ChatSocket | InboxSocket, userId: string): Watermark[] {
  const all = (socket as ChatSocket).received.flatMap((frame) =>
    frame.type === "receipts" ? frame.receipts : [],
  );
  return all.filter((receipt) => receipt.user_id === userId);
}
async function watermark(chat: DirectChat) {
  const state = await chat.conversation().state(chat.alice);
  const member = state?.members.find(({ user_id }) => user_id === chat.bob.user_id);
  return { delivered: member?.delivered, read: member?.read };
}
async function storedRead(chat: DirectChat): Promise<number> {
  const [row] = await rowsOf(chat.conversation(), "SELECT packed FROM progress");
  const packed = row === undefined ? {} : JSON.parse(String(row.packed));
  return packed[chat.bob.user_id]?.[0] ?? 0;
}

describe("watermarks", () => {
  it("[R1] rise and never fall; read implies delivered; none for one's own", async () => {
    const chat = await foundDirectChat();
    const alice = await openLiveChat(chat, chat.alice);
    const bob = await openLiveChat(chat, chat.bob);
    await append(chat, 4);
    await bob.untilSeq(5);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 3 });
    bob.send({ type: "ack", conversation_id: chat.id, seq: 2 });
    bob.send({ type: "read", conversation_id: chat.id, seq: 5 });
    bob.send({ type: "read", conversation_id: chat.id, seq: 1 });
    bob.send({ type: "ack", conversation_id: chat.id, seq: 4 });
    await alice.until(
      () => receiptsOf(alice, chat.bob.user_id).some(({ read }) => read === 5),
      "the read mark",
    );
    for (const [before, after] of pairs(receiptsOf(alice, chat.bob.user_id))) {
      expect(after.delivered).toBeGreaterThanOrEqual(before.delivered);
      expect(after.read).toBeGreaterThanOrEqual(before.read);
    }
    expect(receiptsOf(alice, chat.bob.user_id).every(({ read, delivered }) => read <= delivered)).toBe(true);
    expect(await watermark(chat)).toEqual({ delivered: 5, read: 5 });
    expect(receiptsOf(bob, chat.bob.user_id).every(({ read }) => read > 0)).toBe(true);
    expect(receiptsOf(alice, chat.alice.user_id)).toEqual([]);
    await settle(chat);
    await hibernate(chat);
    expect(await watermark(chat)).toEqual({ delivered: 5, read: 5 });
  });

  it.each(["chat", "inbox"] as const)(
    "[R1] a read mark beyond the head is refused and not relayed (%s)",
    async (path) => {
      const chat = await foundDirectChat();
      const alice = await openLiveChat(chat, chat.alice);
      const bob = path === "chat" ? await openLiveChat(chat, chat.bob) : await openLiveInbox(chat, chat.bob);
      bob.send({ type: "read", conversation_id: chat.id, seq: 2 });
      expect(await (bob as ChatSocket).frame("error")).toMatchObject({ code: "beyond_head" });
      expect((await watermark(chat)).read).toBe(0);
      expect(receiptsOf(alice, chat.bob.user_id).some(({ read }) => read > 0)).toBe(false);
    },
  );

  it.each(["chat", "inbox"] as const)("[R3] read_confirmed only once stored (%s)", async (path) => {
    const chat = await foundDirectChat();
    const bob = path === "chat" ? await openLiveChat(chat, chat.bob) : await openLiveInbox(chat, chat.bob);
    await append(chat);
    await bob.untilSeq(2);
    // An alarm is armed, so the mark waits for it.
    bob.send(
      { type: "read", conversation_id: chat.id, seq: 2 },
      { type: "ack", conversation_id: chat.id, seq: 2 },
    );
    await eventually(async () => (await watermark(chat)).read === 2, "the mark");
    expect(await storedRead(chat)).toBe(0);
    expect(bob.received.some((frame) => frame.type === "read_confirmed" && frame.seq === 2)).toBe(false);
    await settle(chat);
    expect(await storedRead(chat)).toBe(2);
    // The inbox hears of it by repeating; the chat socket at once.
    if (path === "inbox") bob.send({ type: "read", conversation_id: chat.id, seq: 2 });
    await bob.until(
      (received: { type: string; seq?: number }[]) =>
        received.some(({ type, seq }) => type === "read_confirmed" && seq === 2),
      "the confirmation",
    );
  });

  it("[R3] a delivery confirms a stored read mark once, and again when it has risen", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveInbox(chat, chat.bob);
    const confirmed = () =>
      bob.received.flatMap((frame) => (frame.type === "read_confirmed" ? [frame.seq] : []));
    const receive = async (seq: number, reads: boolean) => {
      await append(chat);
      await bob.untilSeq(seq);
      bob.send({ type: "ack", conversation_id: chat.id, seq });
      if (reads) bob.send({ type: "read", conversation_id: chat.id, seq });
      await eventually(async () => (await watermark(chat)).delivered === seq, "the ack");
      await eventually(async () => !reads || (await watermark(chat)).read === seq, "the read mark");
    };
    await receive(2, true);
    await settle(chat);
    const before = confirmed().length;
    await receive(3, false);
    await receive(4, true);
    expect(confirmed().slice(before)).toEqual([2]);
    await settle(chat);
    const between = confirmed().length;
    await receive(5, false);
    await receive(6, false);
    expect(confirmed().slice(between)).toEqual([4]);
  });

  it("[R3] with no alarm armed a read mark is stored in its own turn", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveChat(chat, chat.bob);
    await append(chat);
    await bob.untilSeq(2);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 2 });
    await eventually(async () => (await watermark(chat)).delivered === 2, "the ack");
    await settle(chat);
    bob.send({ type: "read", conversation_id: chat.id, seq: 2 });
    expect(await bob.frame("read_confirmed")).toMatchObject({ seq: 2 });
    expect(await storedRead(chat)).toBe(2);
    expect(await alarmOf(chat)).toBe(false);
  });

  it("[R3] the first receipt goes at once, later ones gather behind the call under way", async () => {
    const chat = await foundDirectChat();
    const alice = await openLiveInbox(chat, chat.alice);
    alice.send(sendFrame(chat, "I am here"));
    await alice.frame("accepted");
    await append(chat, 9);
    const { receipts } = Inbox.prototype;
    const release = Promise.withResolvers<void>();
    const calls: ReceiptsCall[] = [];
    vi.spyOn(Inbox.prototype, "receipts").mockImplementation(async function (this: Inbox, call) {
      calls.push(call);
      await release.promise;
      return await receipts.call(this, call);
    });
    const bob = await openLiveChat(chat, chat.bob);
    await eventually(() => calls.length === 1, "the first");
    const first = calls[0]?.receipts[0]?.delivered ?? 0;
    await append(chat, 3);
    await bob.untilSeq(14);
    for (const seq of [12, 13, 14]) {
      // The answer to the send shows that a flush has taken the ack with it.
      bob.send({ type: "ack", conversation_id: chat.id, seq }, sendFrame(chat, "x"));
      await bob.frame("accepted", seq - 11);
      await rowsOf(chat.inbox(chat.alice), "SELECT 1");
    }
    expect(calls).toHaveLength(1);
    release.resolve();
    await alice.until(
      () => receiptsOf(alice, chat.bob.user_id).some(({ delivered }) => delivered >= 14),
      "the last",
    );
    expect(calls).toHaveLength(2);
    expect(first).toBeLessThan(14);
  });

  it("[R3] are neither queued nor stored for one who is away: found on resume", async () => {
    const chat = await foundDirectChat();
    await append(chat);
    const bob = await openLiveInbox(chat, chat.bob);
    await eventually(async () => (await watermark(chat)).delivered === 2, "the ack");
    expect(bob.closed).toBeNull();
    expect(await rowsOf(chat.inbox(chat.alice), "SELECT * FROM held")).toEqual([]);
    const alice = await openLiveChat(chat, chat.alice);
    const { state } = await alice.frame("ready");
    expect(state.members.find(({ user_id }) => user_id === chat.bob.user_id)).toMatchObject({ delivered: 2 });
  });
});

function pairs<T>(list: T[]): [T, T][] {
  return list.slice(1).map((after, index) => [list[index] as T, after]);
}
