/** Fan-out under faults: D2, D7, F4, F5, F6. Whatever fails, in the end everything arrived once, in order. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { Conversation } from "../../durable/conversation/conversation.ts";
import { Inbox } from "../../durable/inbox/inbox.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import {
  type DirectChat,
  foundDirectChat,
  openChat,
  openLiveChat,
  openLiveInbox,
  sendFrame,
  submissionOf,
} from "./support/direct-chat.ts";
import {
  alarmOf,
  armedAt,
  eventually,
  failAcked,
  failDeliver,
  heldSeqs,
  inboxAlarmOf,
  moveClock,
  rowsOf,
  settle,
  watchDeliver,
} from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function append(chat: DirectChat, count = 1, author = chat.alice): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => submissionOf(`m${index}`));
  for (const outcome of await chat.conversation().submit(author, messages))
    expect(outcome).toHaveProperty("accepted");
}
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
async function deliveredOf(chat: DirectChat, user: DeviceRef): Promise<number> {
  const state = await chat.conversation().state(chat.alice);
  return state?.members.find((member) => member.user_id === user.user_id)?.delivered ?? 0;
}

describe("acknowledging", () => {
  it("[D2] an ack beyond the head is refused on both paths, and nothing is lost by it", async () => {
    const chat = await foundDirectChat();
    const onChat = await openLiveChat(chat, chat.bob);
    onChat.send({ type: "ack", conversation_id: chat.id, seq: 99 });
    expect(await onChat.frame("error")).toMatchObject({ code: "beyond_head", head: 1 });
    onChat.ws.close(1000);
    const onInbox = await openLiveInbox(chat, chat.bob);
    await append(chat, 2);
    await onInbox.untilSeq(3);
    onInbox.send({ type: "ack", conversation_id: chat.id, seq: 99 });
    expect(await onInbox.frame("error")).toMatchObject({ code: "beyond_head", conversation_id: chat.id });
    expect(await deliveredOf(chat, chat.bob)).toBe(1);
    onInbox.ws.close(1000);
    const again = await openLiveInbox(chat, chat.bob);
    expect(again.entries().map(({ seq }) => seq)).toEqual([2, 3]);
  });

  it("[D1] a row goes only when the Conversation has counted the ack; the alarm repeats a failed report", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 2 });
    const tablet = { ...chat.bob, device_id: 2 };
    await append(chat, 2);
    await eventually(async () => (await heldSeqs(chat, tablet)).length === 3, "holding");
    failAcked(1);
    const bob = await openLiveInbox(chat, chat.bob);
    await eventually(
      async () => (await rowsOf(chat.inbox(chat.bob), "SELECT * FROM failed_reports")).length === 1,
      "the note",
    );
    expect(await heldSeqs(chat, chat.bob)).toEqual([1, 2, 3]);
    // Another device's report succeeds: the first one's is still to be repeated.
    await openLiveInbox(chat, tablet);
    await eventually(async () => (await heldSeqs(chat, tablet)).length === 0, "the tablet's rows to go");
    expect(await rowsOf(chat.inbox(chat.bob), "SELECT device_id, acked FROM failed_reports")).toEqual([
      { device_id: 1, acked: 3 },
    ]);
    expect(await inboxAlarmOf(chat, chat.bob)).toBe(true);
    expect(await heldSeqs(chat, chat.bob)).toEqual([]);
    expect(await rowsOf(chat.inbox(chat.bob), "SELECT * FROM failed_reports")).toEqual([]);
    expect(await armedAt(chat.inbox(chat.bob))).toBeNull();
    expect(bob.closed).toBeNull();
  });
});

describe("a device that does not acknowledge", () => {
  it("[D7] is held after 2 s and comes back by resume; a fast one beside it sees no delay", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 2 });
    const slow = await openLiveInbox(chat, chat.bob);
    const fast = await openLiveInbox(chat, { ...chat.bob, device_id: 2 });
    const { calls } = watchDeliver();
    await append(chat);
    await fast.untilSeq(2);
    fast.send({ type: "ack", conversation_id: chat.id, seq: 2 });
    await slow.untilSeq(2);
    await eventually(async () => (await deliveredOf(chat, chat.bob)) === 2, "the fast ack");
    // Young: the alarm arms again and holds nothing.
    expect(await alarmOf(chat)).toBe(true);
    expect(calls.map(({ hold, devices }) => [hold, devices])).toEqual([[false, [1, 2]]]);
    expect(await armedAt(chat.conversation())).not.toBeNull();
    moveClock(limits.ackDeadlineMs + 500);
    await alarmOf(chat);
    expect(await heldSeqs(chat, chat.bob)).toEqual([2]);
    expect(await heldSeqs(chat, { ...chat.bob, device_id: 2 })).toEqual([]);
    await append(chat, 2);
    await fast.untilSeq(4);
    await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 3, "holding what follows");
    slow.send({ type: "ack", conversation_id: chat.id, seq: 2 });
    await slow.until(() => slow.entries().some(({ seq }) => seq === 4), "the rest");
    slow.send({ type: "ack", conversation_id: chat.id, seq: 4 });
    await slow.frame("live", 2);
    expect(new Set(slow.entries().map(({ seq }) => seq))).toEqual(new Set([1, 2, 3, 4]));
    fast.send({ type: "ack", conversation_id: chat.id, seq: 4 });
    await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 0, "letting go");
    await settle(chat);
  });

  it("[F6] a half-open chat socket is closed with resume by the alarm, and its entries are held", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveChat(chat, chat.bob);
    await append(chat);
    await bob.untilSeq(2);
    moveClock(limits.ackDeadlineMs + 500);
    await alarmOf(chat);
    expect(await bob.untilClosed()).toMatchObject({ code: 4410 });
    expect((await heldSeqs(chat, chat.bob)).at(-1)).toBe(2);
    const again = await openLiveInbox(chat, chat.bob);
    expect(again.entries().at(-1)?.seq).toBe(2);
  });

  it("[F6] a flush cuts it too, and offers the new entry to the Inbox", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveChat(chat, chat.bob);
    await append(chat);
    await bob.untilSeq(2);
    moveClock(limits.ackDeadlineMs + 500);
    await append(chat);
    expect(await bob.untilClosed()).toMatchObject({ code: 4410 });
    await settle(chat);
    expect((await heldSeqs(chat, chat.bob)).slice(-2)).toEqual([2, 3]);
  });

  it("[F4] one's own entries among others' are not waited for: no socket is cut for them, no call repeats them", async () => {
    const chat = await foundDirectChat();
    const onChat = await openLiveChat(chat, chat.bob);
    const { calls } = watchDeliver();
    await Promise.all([append(chat), chat.conversation().submit(chat.bob, [submissionOf("own")])]);
    await onChat.untilSeq(2);
    const other = onChat.entries().at(-1)?.seq ?? 0;
    onChat.send({ type: "ack", conversation_id: chat.id, seq: other });
    await eventually(async () => (await deliveredOf(chat, chat.bob)) >= other, "the ack");
    moveClock(limits.ackDeadlineMs + 500);
    await settle(chat);
    expect(onChat.closed).toBeNull();
    expect(calls.filter(({ hold, devices, from }) => hold && devices.includes(1) && from > 1)).toEqual([]);
  });
});

describe("the author's device", () => {
  it("[F4] is not sent its own entry, held or handed, when it stands among others' in one delivery", async () => {
    const chat = await foundDirectChat({ alice: 2, bob: 1 });
    const tablet = { ...chat.alice, device_id: 2 };
    const writeTogether = () =>
      Promise.all([
        append(chat, 1, chat.bob),
        chat.conversation().submit(chat.alice, [submissionOf("own")]),
        append(chat, 1, chat.bob),
      ]);
    const authors = async (seqs: readonly number[]) => {
      const rows = await rowsOf(chat.conversation(), "SELECT seq, sender_id FROM entries");
      return seqs.map((seq) => rows.find((row) => row.seq === seq)?.sender_id);
    };
    await writeTogether();
    await eventually(async () => (await heldSeqs(chat, tablet)).includes(4), "holding for the tablet");
    const held = await heldSeqs(chat, chat.alice);
    expect(await authors(held)).toEqual([chat.bob.user_id, chat.bob.user_id]);
    const alice = await openLiveInbox(chat, chat.alice);
    const before = alice.entries().length;
    await writeTogether();
    await alice.until(() => alice.entries().length >= before + 2, "bob's");
    expect(await authors(alice.entries().map(({ seq }) => seq))).toEqual(Array(4).fill(chat.bob.user_id));
  });
});

describe("faults", () => {
  it.each(["before", "after"] as const)(
    "[F4] a delivery lost %s it was executed comes once more by the alarm",
    async (when) => {
      const chat = await foundDirectChat();
      const bob = await openLiveInbox(chat, chat.bob);
      failDeliver(when);
      await append(chat);
      await append(chat);
      await bob.untilSeq(3);
      expect(await armedAt(chat.conversation())).not.toBeNull();
      moveClock(limits.ackDeadlineMs + 500);
      await alarmOf(chat);
      await bob.until(() => bob.entries().some(({ seq }) => seq === 2), "entry 2");
      bob.send({ type: "ack", conversation_id: chat.id, seq: 3 });
      await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 0, "letting go");
      await settle(chat);
      expect(new Set(bob.entries().map(({ seq }) => seq))).toEqual(new Set([1, 2, 3]));
      const page = JSON.parse((await chat.conversation().page(chat.bob, 0, 9)) ?? "null");
      expect(page.entries.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3]);
    },
  );

  it("[F4] a call whose predecessor was lost is answered with what is expected, and both come again", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveInbox(chat, chat.bob);
    const { deliver } = Inbox.prototype;
    const answers: unknown[] = [];
    const release = Promise.withResolvers<void>();
    let first = true;
    vi.spyOn(Inbox.prototype, "deliver").mockImplementation(async function (this: Inbox, call) {
      if (first) {
        first = false;
        await release.promise;
        throw new Error("planned: the call is lost");
      }
      const answer = await deliver.call(this, call);
      answers.push(answer);
      return answer;
    });
    await append(chat);
    await append(chat);
    await eventually(() => answers.length === 1, "the second call");
    expect(answers[0]).toEqual({ expected: expect.any(Number) });
    release.resolve();
    await append(chat);
    moveClock(limits.ackDeadlineMs + 500);
    await eventually(
      async () => !(await alarmOf(chat)) || (await heldSeqs(chat, chat.bob)).length >= 2,
      "the alarm",
    );
    for (let seq = 2; seq <= 4; seq++) {
      await bob.until(() => bob.entries().some((entry) => entry.seq === seq), `entry ${seq}`);
      bob.send({ type: "ack", conversation_id: chat.id, seq });
    }
    await settle(chat);
    expect(await heldSeqs(chat, chat.bob)).toEqual([]);
  });

  it("[F4] at most two calls are under way, and what waits is one batch", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveInbox(chat, chat.bob);
    const { deliver } = Inbox.prototype;
    const release = Promise.withResolvers<void>();
    const sizes: number[] = [];
    vi.spyOn(Inbox.prototype, "deliver").mockImplementation(async function (this: Inbox, call) {
      sizes.push(call.entries.length);
      await release.promise;
      return await deliver.call(this, call);
    });
    for (let i = 0; i < 10; i++) await append(chat);
    expect(sizes).toEqual([1, 1]);
    release.resolve();
    await bob.untilSeq(11);
    expect(sizes).toEqual([1, 1, 8]);
    expect(bob.entries().map(({ seq }) => seq)).toEqual(range(1, 11));
  });

  it("[F5] a failing Inbox is tried again with growing delays, forever; new traffic brings the alarm near again", async () => {
    const chat = await foundDirectChat();
    failDeliver("before", Number.POSITIVE_INFINITY);
    await append(chat, 600);
    const delays: number[] = [];
    for (let round = 0; round < 9; round++) {
      await eventually(async () => (await armedAt(chat.conversation())) !== null, "arming");
      expect(await alarmOf(chat)).toBe(true);
      const delay = Number(await armedAt(chat.conversation())) - Date.now();
      delays.push(delay);
      if (round < 8) moveClock(Math.max(delay, 60_000));
    }
    expect(delays.at(-1)).toBeGreaterThan(60_000);
    expect(delays.at(-1)).toBeLessThanOrEqual(limits.alarmBackoffMsMax);
    await append(chat);
    expect(Number(await armedAt(chat.conversation())) - Date.now()).toBeLessThanOrEqual(limits.alarmDelayMs);
    // It answers again: one alarm brings all that was missed, however much.
    vi.spyOn(Inbox.prototype, "deliver").mockRestore();
    await alarmOf(chat);
    expect(await heldSeqs(chat, chat.bob)).toEqual(range(1, 602));
    await settle(chat);
  });

  it("[F5] a retried alarm arms the next before it does anything", async () => {
    const chat = await foundDirectChat();
    await settle(chat);
    failDeliver("before");
    await append(chat);
    const { alarm } = Conversation.prototype;
    let armedFirst: number | null = null;
    vi.spyOn(Conversation.prototype, "alarm").mockImplementation(async function (this: Conversation) {
      const running = alarm.call(this, { isRetry: true, retryCount: 6, scheduledTime: Date.now() });
      armedFirst = await (this as unknown as { ctx: DurableObjectState }).ctx.storage.getAlarm();
      await running;
    });
    await alarmOf(chat);
    expect(armedFirst).not.toBeNull();
  });

  it("[F4] a device on its chat socket is never named to its Inbox; one on neither is held", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 2 });
    await openLiveChat(chat, chat.bob);
    const { calls } = watchDeliver();
    const alice = await openChat(chat, chat.alice);
    alice.send({ type: "hello", conversation_id: chat.id, position: null }, sendFrame(chat, "x"));
    await alice.frame("accepted");
    await eventually(() => calls.length > 0, "the call");
    expect(calls.map(({ devices, to }) => [devices, to])).toEqual([[[2], 2]]);
  });
});
