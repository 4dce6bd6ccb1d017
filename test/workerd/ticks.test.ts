/** Ticks for those who were away, and for those who receive by polling [R3]: shown live, without being stored or queued. */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { z } from "zod";
import { Inbox } from "../../durable/inbox/inbox.ts";
import type { ReceiptsCall } from "../../durable/rpc.ts";
import type { pollAnswerSchema, pollRequestSchema } from "../../src/protocol/http.ts";
import { limits } from "../../src/protocol/limits.ts";
import {
  type DirectChat,
  foundDirectChat,
  type InboxSocket,
  openLiveInbox,
  submissionOf,
} from "./support/direct-chat.ts";
import { crash, eventually, moveClock, settle } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function append(chat: DirectChat): Promise<number> {
  const [outcome] = await chat.conversation().submit(chat.alice, [submissionOf("m")]);
  return outcome !== undefined && "accepted" in outcome ? outcome.accepted.seq : 0;
}
function ticksOf(socket: InboxSocket, userId: string): number[] {
  const receipts = socket.received.flatMap((frame) => (frame.type === "receipts" ? frame.receipts : []));
  return receipts.filter((receipt) => receipt.user_id === userId).map(({ delivered }) => delivered);
}
function deliveredTo(chat: DirectChat, seq: number): Promise<void> {
  return eventually(async () => {
    const state = await chat.conversation().state(chat.alice);
    return state?.members.find(({ user_id }) => user_id === chat.bob.user_id)?.delivered === seq;
  }, `the ack of ${seq}`);
}
/** Receipts that arrived at Inboxes, with whether anybody was there. */
function watchReceipts(): { call: ReceiptsCall; live: boolean }[] {
  const seen: { call: ReceiptsCall; live: boolean }[] = [];
  const { receipts } = Inbox.prototype;
  vi.spyOn(Inbox.prototype, "receipts").mockImplementation(async function (this: Inbox, call) {
    const answer = await receipts.call(this, call);
    seen.push({ call, ...answer });
    return answer;
  });
  return seen;
}

describe("a member who was away", () => {
  it("sees the ticks that it missed when its socket becomes live, without saying anything of that chat", async () => {
    const chat = await foundDirectChat();
    const seen = watchReceipts();
    const bob = await openLiveInbox(chat, chat.bob);
    await append(chat);
    const seq = await append(chat);
    await bob.untilSeq(seq);
    for (const acked of [2, 3]) {
      bob.send({ type: "ack", conversation_id: chat.id, seq: acked });
      await deliveredTo(chat, acked);
      await eventually(() => seen.some(({ live }) => !live), "finding nobody there");
    }
    await settle(chat);
    const alice = await openLiveInbox(chat, chat.alice);
    await alice.until(() => ticksOf(alice, chat.bob.user_id).includes(seq), "the tick");
    const next = await append(chat);
    await bob.untilSeq(next);
    bob.send({ type: "ack", conversation_id: chat.id, seq: next });
    await alice.until(() => ticksOf(alice, chat.bob.user_id).includes(next), "the next tick");
  });

  it("is not asked about again and again, and once in a while all the same, should its Inbox have forgotten", async () => {
    const chat = await foundDirectChat();
    const seen = watchReceipts();
    const bob = await openLiveInbox(chat, chat.bob);
    for (let i = 0; i < 6; i++) await append(chat);
    await bob.untilSeq(7);
    let acked = 1;
    const ackNext = async () => {
      acked += 1;
      bob.send({ type: "ack", conversation_id: chat.id, seq: acked });
      await deliveredTo(chat, acked);
      return acked;
    };
    await ackNext();
    await eventually(() => seen.some(({ live }) => !live), "finding nobody there");
    const before = seen.length;
    for (let i = 0; i < 3; i++) await ackNext();
    expect(seen.length).toBe(before);
    await crash(chat.inbox(chat.alice));
    const alice = await openLiveInbox(chat, chat.alice);
    moveClock(limits.awayMs);
    const seq = await ackNext();
    await alice.until(() => ticksOf(alice, chat.bob.user_id).includes(seq), "the tick");
  });
});

type Answer = z.infer<typeof pollAnswerSchema>;
async function poll(chat: DirectChat, request: Partial<z.infer<typeof pollRequestSchema>>): Promise<Answer> {
  const text = await chat.inbox(chat.alice).poll(1, { reports: [], wait_ms: 0, ...request });
  return JSON.parse(text ?? "null");
}

describe("a device that receives by polling", () => {
  it("is woken by a tick, and finds those that came between two polls in the next answer, each once", async () => {
    const chat = await foundDirectChat();
    const seen = watchReceipts();
    const bob = await openLiveInbox(chat, chat.bob);
    await eventually(() => seen.length === 1, "the founding's tick");
    expect(await poll(chat, {})).toMatchObject({ receipts: [], read_confirmed: [], live: true });
    const started = performance.now();
    const waiting = poll(chat, { wait_ms: 25_000 });
    const first = await append(chat);
    await bob.untilSeq(first);
    bob.send({ type: "ack", conversation_id: chat.id, seq: first });
    // Its own sending has shown that it is here, so that the founding's tick, missed before, may come first.
    let answer = await waiting;
    if (answer.receipts[0]?.receipts[0]?.delivered === 1) answer = await poll(chat, { wait_ms: 25_000 });
    expect(answer.receipts).toEqual([
      {
        type: "receipts",
        conversation_id: chat.id,
        receipts: [{ user_id: chat.bob.user_id, delivered: first, read: 0 }],
      },
    ]);
    expect(performance.now() - started).toBeLessThan(20_000);
    bob.send({ type: "read", conversation_id: chat.id, seq: first });
    const second = await append(chat);
    await bob.untilSeq(second);
    bob.send({ type: "ack", conversation_id: chat.id, seq: second });
    await eventually(
      () => seen.some(({ call }) => call.receipts[0]?.delivered === second),
      "the tick at the Inbox",
    );
    const next = await poll(chat, { wait_ms: 25_000 });
    expect(next.receipts).toHaveLength(1);
    expect(next.receipts[0]?.receipts).toEqual([
      { user_id: chat.bob.user_id, delivered: second, read: first },
    ]);
    expect((await poll(chat, {})).receipts).toEqual([]);
  });

  it("hears that its read mark is stored, and not before", async () => {
    const chat = await foundDirectChat();
    await chat.conversation().submit(chat.bob, [submissionOf("for alice")]);
    await eventually(async () => (await poll(chat, {})).frames.length > 0, "the message");
    const reports = [{ conversation_id: chat.id, acked: 2, read: 2 }];
    expect((await poll(chat, { reports })).read_confirmed).toEqual([]);
    await settle(chat);
    expect((await poll(chat, { reports })).read_confirmed).toEqual([
      { type: "read_confirmed", conversation_id: chat.id, seq: 2 },
    ]);
  });

  it("that stopped is nobody any more after a while", async () => {
    const chat = await foundDirectChat();
    await poll(chat, {});
    const call = {
      conversation_id: chat.id,
      receipts: [{ user_id: chat.bob.user_id, delivered: 1, read: 0 }],
    };
    expect(await chat.inbox(chat.alice).receipts(call)).toEqual({ live: true });
    moveClock(limits.pollPresenceMs + 1_000);
    expect(await chat.inbox(chat.alice).receipts(call)).toEqual({ live: false });
  });
});
