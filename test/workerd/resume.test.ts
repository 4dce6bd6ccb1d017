/** Resume [D4] and takeover [D5]: what was missed comes in bounded batches, in order, before anything live. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { limits } from "../../src/protocol/limits.ts";
import {
  type DirectChat,
  foundDirectChat,
  openChat,
  openInbox,
  openLiveChat,
  openLiveInbox,
  sendFrame,
  submissionOf,
} from "./support/direct-chat.ts";
import { crash, eventually, heldSeqs, hibernate, moveClock, settle } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function append(chat: DirectChat, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => submissionOf(`m${index}`));
  await chat.conversation().submit(chat.alice, messages);
}
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const seqsOf = (socket: { entries(): { seq: number }[] }) => socket.entries().map(({ seq }) => seq);
const isLive = (socket: { received: { type: string }[] }) =>
  socket.received.some(({ type }) => type === "live");

describe("resume on the inbox socket", () => {
  it("[D4] sends 250 entries in bounded batches, each after the last is acked, then live", async () => {
    const chat = await foundDirectChat();
    await append(chat, 249);
    await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 250, "holding");
    const bob = await openInbox(chat, chat.bob);
    bob.send({ type: "hello", store_id: null });
    for (const end of [100, 200, 251]) {
      await bob.untilSeq(end);
      if (end === 100) {
        // Something stored meanwhile sends nothing either.
        await append(chat, 1);
        await eventually(async () => (await heldSeqs(chat, chat.bob)).at(-1) === 251, "holding one more");
      }
      // An ack short of the batch's end brings nothing.
      bob.send(
        { type: "ack", conversation_id: chat.id, seq: end - 1 },
        { type: "read", conversation_id: chat.id, seq: 1 },
      );
      await eventually(async () => (await heldSeqs(chat, chat.bob))[0] === end, "the ack");
      expect(seqsOf(bob)).toEqual(range(1, end));
      expect(isLive(bob)).toBe(false);
      if (end === 100) await hibernate(chat, chat.bob);
      bob.send({ type: "ack", conversation_id: chat.id, seq: end });
    }
    await bob.frame("live");
    expect(bob.received.filter(({ type }) => type === "live")).toHaveLength(1);
    await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 0, "the rows to go");
  });

  it("[D4] what arrives meanwhile comes before live, of this chat and of others", async () => {
    const chat = await foundDirectChat();
    const others = await Promise.all([
      foundDirectChat({ alice: 1, bob: 1 }, chat.bob),
      foundDirectChat({ alice: 1, bob: 1 }, chat.bob),
    ]);
    for (const each of [chat, ...others]) await append(each, 120);
    for (const each of [chat, ...others]) {
      await eventually(async () => (await heldSeqs(each, chat.bob)).length === 121, "holding");
    }
    const bob = await openInbox(chat, chat.bob);
    bob.send({ type: "hello", store_id: null });
    await bob.frame("entries");
    // Into chats before and behind the place that the resume has come to.
    for (const each of [chat, ...others]) await append(each, 3);
    const acked = new Map<string, number>();
    await bob.until((received) => {
      for (const frame of received) {
        const last = frame.type === "entries" ? frame.entries.at(-1)?.seq : undefined;
        if (frame.type !== "entries" || last === undefined || last <= (acked.get(frame.conversation_id) ?? 0))
          continue;
        acked.set(frame.conversation_id, last);
        bob.send({ type: "ack", conversation_id: frame.conversation_id, seq: last });
      }
      return isLive(bob);
    }, "live");
    for (const each of [chat, ...others]) {
      const seqs = bob.received.flatMap((frame) =>
        frame.type === "entries" && frame.conversation_id === each.id
          ? frame.entries.map(({ seq }) => seq)
          : [],
      );
      expect(seqs).toEqual(range(1, 124));
    }
    await append(chat, 1);
    await bob.until((received) => received.at(-1)?.type === "entries", "a live entry");
  });

  it("[D4] a batch of large entries is bounded in bytes", async () => {
    const chat = await foundDirectChat();
    const large = btoa("x".repeat(48 * 1024));
    await chat.conversation().submit(
      chat.alice,
      range(1, 6).map(() => submissionOf("", { envelope: large })),
    );
    await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 7, "holding");
    const bob = await openInbox(chat, chat.bob);
    bob.send({ type: "hello", store_id: null });
    await bob.frame("entries");
    const first = await bob.frame("entries");
    expect(JSON.stringify(first).length).toBeLessThan(limits.backlogBytesMax + 70_000);
    expect(seqsOf(bob)).toEqual([1, 2]);
    bob.ws.close(1000);
    const again = await openLiveInbox(chat, chat.bob);
    expect(seqsOf(again)).toEqual(range(1, 7));
  });

  it.each(["awake", "hibernated"] as const)(
    "[D2] what is held goes with its ack, for a device that had nothing held before too (%s)",
    async (state) => {
      const chat = await foundDirectChat();
      const away = await openLiveInbox(chat, chat.bob);
      await append(chat, 1);
      await away.untilSeq(2);
      away.send({ type: "ack", conversation_id: chat.id, seq: 2 });
      await settle(chat);
      away.ws.close(1000);
      await away.untilClosed();
      await append(chat, 2);
      await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 2, "holding");
      if (state === "hibernated") await hibernate(chat, chat.bob);
      const back = await openInbox(chat, chat.bob);
      back.send({ type: "hello", store_id: null });
      await back.untilSeq(4);
      expect(seqsOf(back)).toEqual([3, 4]);
      back.send({ type: "ack", conversation_id: chat.id, seq: 4 });
      await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 0, "letting go");
      await settle(chat);
    },
  );
});

describe("resume on the chat socket", () => {
  it("[D4] sends what follows the position in batches; entries during it come once, before live", async () => {
    const chat = await foundDirectChat();
    await append(chat, 249);
    const bob = await openChat(chat, chat.bob);
    bob.send({ type: "hello", conversation_id: chat.id, position: null });
    await bob.untilSeq(100);
    await append(chat, 5);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 99 });
    bob.send({ type: "ack", conversation_id: chat.id, seq: 100 });
    await bob.untilSeq(200);
    await hibernate(chat);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 200 });
    await bob.untilSeq(255);
    expect(isLive(bob)).toBe(false);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 255 });
    await bob.frame("live");
    await append(chat, 1);
    await bob.untilSeq(256);
    expect(seqsOf(bob)).toEqual(range(1, 256));
    const proof = bob.received.findLast((frame) => frame.type === "entries");
    const messageId = bob.entries().at(-1)?.message_id ?? "";
    const position = { log_id: proof?.log_id ?? "", seq: 256, message_id: messageId, mac: proof?.mac ?? "" };
    const again = await openChat(chat, chat.bob);
    again.send({ type: "hello", conversation_id: chat.id, position });
    await again.frame("live");
    expect(again.entries()).toEqual([]);
    expect(await again.frame("ready")).toMatchObject({ resync: false });
    expect(await bob.untilClosed()).toMatchObject({ code: 4409 });
  });

  it("[F9] a flush that is large goes out in frames of bounded size", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveChat(chat, chat.bob);
    const sizes: number[] = [];
    bob.ws.addEventListener("message", (event) => {
      sizes.push((event.data as string).length);
    });
    const large = btoa("x".repeat(48 * 1024));
    await chat.conversation().submit(
      chat.alice,
      range(1, 12).map(() => submissionOf("", { envelope: large })),
    );
    await bob.untilSeq(13);
    expect(Math.max(...sizes)).toBeLessThan(limits.frameBytesMax + 1_000);
    expect(seqsOf(bob)).toEqual(range(1, 13));
  });
});

describe("takeover", () => {
  it("[D5] a newer connection closes the older and gets what that was handed, at once", async () => {
    const chat = await foundDirectChat();
    const old = await openLiveInbox(chat, chat.bob);
    await append(chat, 2);
    await old.untilSeq(3);
    old.send({ type: "ack", conversation_id: chat.id, seq: 2 });
    const newer = await openInbox(chat, chat.bob);
    expect(await old.untilClosed()).toMatchObject({ code: 4409 });
    await append(chat, 1);
    newer.send({ type: "hello", store_id: null });
    await newer.untilSeq(4);
    expect(seqsOf(newer)).toEqual([3, 4]);
    expect(isLive(newer)).toBe(false);
    newer.send({ type: "ack", conversation_id: chat.id, seq: 4 });
    await newer.frame("live");
  });

  it("[D5] [F7] by the Conversation's alarm where the Inbox has forgotten", async () => {
    const chat = await foundDirectChat();
    const old = await openLiveInbox(chat, chat.bob);
    await append(chat, 2);
    await old.untilSeq(3);
    await crash(chat.inbox(chat.bob));
    await old.untilClosed();
    const newer = await openLiveInbox(chat, chat.bob);
    expect(newer.entries()).toEqual([]);
    moveClock(3_000);
    await settle(chat, 20);
    await newer.untilSeq(3);
    expect(seqsOf(newer)).toEqual([2, 3]);
  });

  it("[D5] takeover while the older's backlog batch is out loses and skips nothing", async () => {
    const chat = await foundDirectChat();
    await append(chat, 149);
    await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 150, "holding");
    const old = await openInbox(chat, chat.bob);
    old.send({ type: "hello", store_id: null });
    await old.untilSeq(100);
    const newer = await openLiveInbox(chat, chat.bob);
    expect(seqsOf(newer)).toEqual(range(1, 150));
    newer.send(sendFrame(chat, "back"));
    await newer.frame("accepted");
  });
});
