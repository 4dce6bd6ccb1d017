/**
 * [F9] A device that is away for long is held a bounded number of entries; beyond it a mark stands for the rest of a
 * conversation [F3], and the device reads that from the log. It comes back with everything, once, in order.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import {
  type DirectChat,
  foundDirectChat,
  type InboxSocket,
  openInbox,
  openLiveInbox,
  submissionOf,
} from "./support/direct-chat.ts";
import { crash, eventually, heldSeqs, hibernate, moveClock, rowsOf, settle } from "./support/faults.ts";

const { heldEntriesPerDeviceMax, heldBytesPerDeviceMax } = limits;
afterEach(() => {
  vi.restoreAllMocks();
  Object.assign(limits, { heldEntriesPerDeviceMax, heldBytesPerDeviceMax });
});

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function append(chat: DirectChat, count: number, envelope?: string): Promise<void> {
  const base = { base_seq: await headOf(chat) };
  const fields = envelope === undefined ? base : { ...base, envelope };
  const messages = Array.from({ length: count }, () => submissionOf("m", fields));
  const outcomes = await chat.conversation().submit(chat.alice, messages);
  expect(outcomes.filter((outcome) => "refused" in outcome)).toEqual([]);
}
async function headOf(chat: DirectChat): Promise<number> {
  return (await chat.conversation().state(chat.alice))?.head ?? 0;
}
async function marks(chat: DirectChat): Promise<string[]> {
  const rows = await rowsOf(chat.inbox(chat.bob), "SELECT conversation_id FROM marks");
  return rows.map((row) => String(row.conversation_id));
}
/** Until the Conversation has placed everything: acknowledged, held, or behind a mark. */
async function placed(chat: DirectChat): Promise<void> {
  await settle(chat, 50);
  const [row] = await rowsOf(chat.conversation(), "SELECT packed FROM progress");
  const devices = JSON.parse(String(row?.packed))[chat.bob.user_id]?.[2];
  expect(devices["1"][1]).toBe(await headOf(chat));
}
/** Reads pages as a device does [D3]. */
async function pages(chat: DirectChat, device: DeviceRef, after: number): Promise<number[]> {
  const seqs: number[] = [];
  for (let cursor = after; ; cursor = seqs.at(-1) ?? cursor) {
    const page = JSON.parse(
      (await chat.conversation().page(device, cursor, limits.pageEntriesMax)) ?? "null",
    );
    seqs.push(...page.entries.map(({ seq }: { seq: number }) => seq));
    if (page.more !== true) return seqs;
  }
}
/** Live, with everything held acknowledged, of whichever conversation. */
async function drained(chat: DirectChat): Promise<InboxSocket> {
  const bob = await openInbox(chat, chat.bob);
  bob.send({ type: "hello", store_id: null });
  let seen = 0;
  await bob.until((received) => {
    for (const frame of received.slice(seen)) {
      const seq = frame.type === "entries" ? frame.entries.at(-1)?.seq : undefined;
      if (frame.type === "entries" && seq !== undefined)
        bob.send({ type: "ack", conversation_id: frame.conversation_id, seq });
    }
    seen = received.length;
    return received.some(({ type }) => type === "live");
  }, "live");
  return bob;
}
const marked = (socket: InboxSocket) =>
  socket.received.flatMap((frame) => (frame.type === "marks" ? frame.conversation_ids : []));

describe("a device that was away for long", () => {
  it("finds 12,500 messages again: what is held in order, then the rest by pages, then live", {
    timeout: 120_000,
  }, async () => {
    const chat = await foundDirectChat();
    for (let sent = 0; sent < 12_500; sent += 1_250) {
      await append(chat, 1_250);
      moveClock(3_000);
    }
    await placed(chat);
    const [held] = await rowsOf(chat.inbox(chat.bob), "SELECT count(*) AS n FROM held");
    expect(held?.n).toBeGreaterThan(heldEntriesPerDeviceMax - limits.deliverEntriesMax);
    expect(held?.n).toBeLessThanOrEqual(heldEntriesPerDeviceMax);
    expect(await marks(chat)).toEqual([chat.id]);
    await hibernate(chat, chat.bob);

    const bob = await openLiveInbox(chat, chat.bob);
    const byInbox = bob.entries().map(({ seq }) => seq);
    expect(byInbox).toEqual(range(1, Number(held?.n)));
    expect(bob.received.at(-2)).toEqual({ type: "marks", conversation_ids: [chat.id] });
    const byPages = await pages(chat, chat.bob, byInbox.length);
    expect([...byInbox, ...byPages]).toEqual(range(1, 12_501));
    bob.send({ type: "ack", conversation_id: chat.id, seq: 12_501 });
    await eventually(async () => (await marks(chat)).length === 0, "the mark to go");
    await append(chat, 1);
    await bob.untilSeq(12_502);
    expect(bob.entries().at(-1)?.seq).toBe(12_502);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 12_502 });
    await placed(chat);
    expect(await rowsOf(chat.inbox(chat.bob), "SELECT 1 FROM held")).toEqual([]);
  });

  it("is held a bounded number of bytes", async () => {
    Object.assign(limits, { heldBytesPerDeviceMax: 300_000 });
    const chat = await foundDirectChat();
    await append(chat, 8, btoa("x".repeat(48 * 1024)));
    await placed(chat);
    const [held] = await rowsOf(chat.inbox(chat.bob), "SELECT sum(length(entry)) AS bytes FROM held");
    expect(held?.bytes).toBeLessThanOrEqual(300_000);
    expect(await marks(chat)).toEqual([chat.id]);
    expect(await pages(chat, chat.bob, 0)).toEqual(range(1, 9));
  });

  it("[F3] gets no copies of a marked conversation, and nothing more is written for it", async () => {
    Object.assign(limits, { heldEntriesPerDeviceMax: 5 });
    const chat = await foundDirectChat();
    await append(chat, 5);
    await placed(chat);
    expect(await marks(chat)).toEqual([chat.id]);
    const before = await heldSeqs(chat, chat.bob);
    for (let i = 0; i < 3; i++) {
      await append(chat, 20);
      await placed(chat);
      await hibernate(chat, chat.bob);
    }
    expect(await heldSeqs(chat, chat.bob)).toEqual(before);
    expect(await rowsOf(chat.inbox(chat.bob), "SELECT * FROM marks")).toHaveLength(1);
  });

  it("has marks for as many conversations as there are, in bounded frames; what was acknowledged makes room", async () => {
    Object.assign(limits, { heldEntriesPerDeviceMax: 4, marksPerFrameMax: 2 });
    const chat = await foundDirectChat();
    const others = [];
    for (let i = 0; i < 3; i++) others.push(await foundDirectChat({ alice: 1, bob: 1 }, chat.bob));
    for (const each of [chat, ...others]) {
      await append(each, 3);
      await placed(each);
    }
    expect((await marks(chat)).sort()).toEqual([chat, ...others].map(({ id }) => id).sort());
    const again = await drained(chat);
    const frames = again.received.filter((frame) => frame.type === "marks");
    expect(frames.map((frame) => frame.conversation_ids.length)).toEqual([2, 2]);
    for (const each of [chat, ...others]) again.send({ type: "ack", conversation_id: each.id, seq: 4 });
    await eventually(async () => (await marks(chat)).length === 0, "the marks to go");
    again.ws.close(1000);
    await again.untilClosed();
    await append(chat, 1);
    await placed(chat);
    expect(await heldSeqs(chat, chat.bob)).toEqual([5]);
    Object.assign(limits, { marksPerFrameMax: 256 });
  });
});

describe("a mark", () => {
  async function markedChat(): Promise<DirectChat> {
    Object.assign(limits, { heldEntriesPerDeviceMax: 3 });
    const chat = await foundDirectChat();
    await append(chat, 9);
    await placed(chat);
    expect(await marks(chat)).toEqual([chat.id]);
    return chat;
  }

  it("stays until an ack covers the head, across hibernation, and whatever comes meanwhile is not lost", async () => {
    const chat = await markedChat();
    const bob = await openLiveInbox(chat, chat.bob);
    expect(marked(bob)).toEqual([chat.id]);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 9 });
    const delivered = async () =>
      (await chat.conversation().state(chat.alice))?.members.find(
        ({ user_id }) => user_id === chat.bob.user_id,
      )?.delivered;
    await eventually(async () => (await delivered()) === 9, "the ack");
    expect(await marks(chat)).toEqual([chat.id]);
    await hibernate(chat, chat.bob);
    // Live: handed beside the mark.
    await append(chat, 1);
    await bob.untilSeq(11);
    bob.ws.close(1000);
    await bob.untilClosed();
    await append(chat, 2);
    await placed(chat);
    const again = await openLiveInbox(chat, chat.bob);
    expect(marked(again)).toEqual([chat.id]);
    expect(again.entries()).toEqual([]);
    again.send({ type: "ack", conversation_id: chat.id, seq: 13 });
    await eventually(async () => (await marks(chat)).length === 0, "the mark to go");
  });

  it("stays when an entry is covered by it while the ack below is being counted", async () => {
    const chat = await markedChat();
    const { Conversation } = await import("../../durable/conversation/conversation.ts");
    const { acked } = Conversation.prototype;
    vi.spyOn(Conversation.prototype, "acked").mockImplementationOnce(async function (
      this: InstanceType<typeof Conversation>,
      ...args
    ) {
      const answer = await acked.apply(this, args);
      // Appended and delivered after the count, before its answer arrives.
      await append(chat, 1);
      await placed(chat);
      return answer;
    });
    await chat.inbox(chat.bob).poll(1, { reports: [{ conversation_id: chat.id, acked: 10 }], wait_ms: 0 });
    expect(await marks(chat)).toEqual([chat.id]);
    expect(await heldSeqs(chat, chat.bob)).toEqual([]);
    const reports = [{ conversation_id: chat.id, acked: 11 }];
    const answer = JSON.parse((await chat.inbox(chat.bob).poll(1, { reports, wait_ms: 0 })) ?? "null");
    expect(answer).toMatchObject({ live: true, marks: [], frames: [] });
  });

  it("is listed to a live device again when what it was handed is held after all", async () => {
    const chat = await markedChat();
    const bob = await openLiveInbox(chat, chat.bob);
    await append(chat, 1);
    await bob.untilSeq(11);
    moveClock(3_000);
    await settle(chat, 50);
    await bob.until(() => marked(bob).length >= 2, "the mark again");
    expect(bob.received.at(-1)).toEqual({ type: "live" });
  });

  it("comes with a poll once nothing is held, and goes as on the socket; a poll does not wait over it", async () => {
    const chat = await markedChat();
    const poll = async (acked?: number) => {
      const reports = acked === undefined ? [] : [{ conversation_id: chat.id, acked }];
      return JSON.parse((await chat.inbox(chat.bob).poll(1, { reports, wait_ms: 25_000 })) ?? "null");
    };
    const first = await poll();
    const seq = first.frames.at(-1).entries.at(-1).seq;
    expect(first).toMatchObject({ marks: [], live: false });
    expect(await poll(seq)).toMatchObject({ frames: [], marks: [chat.id], live: false });
    const done = poll(10);
    await append(chat, 1);
    expect((await done).frames[0].entries[0].seq).toBe(11);
  });

  it("of a conversation that has nothing for the device any more goes with its next ack, and with the device", async () => {
    const chat = await markedChat();
    await chat.conversation().dropDevice(chat.bob);
    const bob = await openLiveInbox(chat, chat.bob);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 1 });
    await eventually(async () => (await marks(chat)).length === 0, "the mark to go");
    const other = await markedChat();
    await other.inbox(other.bob).revokeDevice(1);
    expect(await marks(other)).toEqual([]);
  });

  it("survives a crash of both objects", async () => {
    const chat = await markedChat();
    await crash(chat.inbox(chat.bob));
    await crash(chat.conversation());
    const bob = await openLiveInbox(chat, chat.bob);
    expect(marked(bob)).toEqual([chat.id]);
  });
});
