/**
 * What a direct message costs, measured in both objects against the bounds of design.md section 10.
 * Under load: 50 messages a second apart, alarms as they fall due. Alone: one message, then rest.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type DirectChat,
  foundDirectChat,
  type InboxSocket,
  openInbox,
  openLiveChat,
  openLiveInbox,
  sendFrame,
} from "./support/direct-chat.ts";
import { alarmOf, armedAt, eventually, heldSeqs, rowsOf, settle } from "./support/faults.ts";
import { Meter } from "./support/meter.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const messages = 50;

async function watermark(chat: DirectChat): Promise<{ delivered: number; read: number }> {
  const state = await chat.conversation().state(chat.alice);
  const member = state?.members.find(({ user_id }) => user_id === chat.bob.user_id);
  return { delivered: member?.delivered ?? 0, read: member?.read ?? 0 };
}
/** A chat at rest whose founding is long settled, and meters on all three objects. */
async function metered(
  open: (chat: DirectChat) => Promise<InboxSocket | Awaited<ReturnType<typeof openLiveChat>> | null>,
) {
  const chat = await foundDirectChat();
  const alice = await openLiveChat(chat, chat.alice);
  const bob = await open(chat);
  await eventually(async () => bob === null || (await watermark(chat)).delivered === 1, "the founding's ack");
  // The founding's receipts are out with this frame: they are no message's cost.
  await alice.frame("receipts");
  await settle(chat);
  const meter = new Meter();
  for (const stub of [chat.conversation(), chat.inbox(chat.alice), chat.inbox(chat.bob)])
    await meter.watch(stub);
  meter.watchCalls();
  return { chat, alice, bob, meter };
}
type Scene = Awaited<ReturnType<typeof metered>>;

async function send({ chat, alice, bob }: Scene, seq: number, reads: boolean): Promise<void> {
  alice.send(sendFrame(chat, "m", { base_seq: seq - 1 }));
  await alice.frame("accepted", seq - 1);
  if (bob === null) {
    await eventually(async () => (await heldSeqs(chat, chat.bob)).at(-1) === seq, "holding");
    return;
  }
  await bob.untilSeq(seq);
  bob.send({ type: "ack", conversation_id: chat.id, seq });
  await eventually(async () => (await watermark(chat)).delivered === seq, "the ack");
  if (reads) bob.send({ type: "read", conversation_id: chat.id, seq });
  await eventually(async () => !reads || (await watermark(chat)).read === seq, "the read mark");
}
/** Bob has been here, and has gone. */
async function absentee(chat: DirectChat): Promise<null> {
  const bob = await openLiveInbox(chat, chat.bob);
  await eventually(async () => (await watermark(chat)).delivered === 1, "the founding's ack");
  bob.ws.close(1000);
  await bob.untilClosed();
  return null;
}
/** One message a second, on a clock that stands still in between, and alarms when they fall due. */
async function underLoad(scene: Scene, reads: boolean): Promise<void> {
  let now = Date.now();
  vi.spyOn(Date, "now").mockImplementation(() => now);
  for (let seq = 2; seq < messages + 2; seq++) {
    await send(scene, seq, reads);
    now += 1_000;
    const due = await armedAt(scene.chat.conversation());
    if (due !== null && due <= now) await alarmOf(scene.chat);
  }
  await settle(scene.chat);
}
async function drain(chat: DirectChat, upTo: number): Promise<void> {
  const bob = await openInbox(chat, chat.bob);
  bob.send({ type: "hello", store_id: null });
  await bob.untilSeq(upTo);
  bob.send(
    { type: "ack", conversation_id: chat.id, seq: upTo },
    { type: "read", conversation_id: chat.id, seq: upTo },
  );
  await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 0, "letting go");
  await eventually(async () => (await watermark(chat)).read === upTo, "the read mark");
  await settle(chat);
}
function report(what: string, { meter }: Scene, per = 1): { rows: number; calls: number } {
  const rows = meter.rows / per;
  const calls = meter.calls.length / per;
  console.log(
    `cost: ${what}: ${rows.toFixed(2)} rows, ${calls.toFixed(2)} calls a message (${meter.details})`,
  );
  return { rows, calls };
}

describe("cost of a direct message", () => {
  it("both have the chat open", async () => {
    const load = await metered((chat) => openLiveChat(chat, chat.bob));
    await underLoad(load, true);
    const many = report("both open, 1 message/s", load, messages);
    vi.restoreAllMocks();
    const alone = await metered((chat) => openLiveChat(chat, chat.bob));
    await send(alone, 2, true);
    await settle(alone.chat);
    const one = report("both open, alone", alone);
    expect(many.rows).toBeLessThanOrEqual(1.4);
    expect(one.rows).toBeLessThanOrEqual(3);
    expect([many.calls, one.calls]).toEqual([0, 0]);
  });

  it("one has it not open", async () => {
    const load = await metered((chat) => openLiveInbox(chat, chat.bob));
    await underLoad(load, true);
    const many = report("one not open, 1 message/s", load, messages);
    vi.restoreAllMocks();
    const alone = await metered((chat) => openLiveInbox(chat, chat.bob));
    await send(alone, 2, true);
    await settle(alone.chat);
    const one = report("one not open, alone", alone);
    expect(many.rows).toBeLessThanOrEqual(1.4);
    expect(one.rows).toBeLessThanOrEqual(4);
    expect(Math.max(many.calls, one.calls)).toBeLessThanOrEqual(3);
  });

  it("the recipient is absent and drains later", async () => {
    const load = await metered(absentee);
    await underLoad(load, false);
    await drain(load.chat, messages + 1);
    const many = report("absent, 1 message/s, one drain", load, messages);
    vi.restoreAllMocks();
    const alone = await metered(absentee);
    await send(alone, 2, false);
    await settle(alone.chat);
    await drain(alone.chat, 2);
    const one = report("absent, alone", alone);
    expect(many.rows).toBeLessThanOrEqual(3.4 + 1 / messages);
    expect(one.rows).toBeLessThanOrEqual(6);
    expect(many.calls).toBeLessThanOrEqual(1 + 1 / messages);
    expect(one.calls).toBeLessThanOrEqual(2);
  });

  it("at rest nothing is left: no alarm, no row, no call", async () => {
    const scene = await metered((chat) => openLiveInbox(chat, chat.bob));
    await send(scene, 2, true);
    await settle(scene.chat);
    expect(await armedAt(scene.chat.conversation())).toBeNull();
    expect(await armedAt(scene.chat.inbox(scene.chat.bob))).toBeNull();
    expect(await rowsOf(scene.chat.inbox(scene.chat.bob), "SELECT * FROM held")).toEqual([]);
    const { rows, calls } = scene.meter;
    const count = calls.length;
    for (let i = 0; i < 3; i++) await scene.chat.conversation().state(scene.chat.alice);
    expect([scene.meter.rows, scene.meter.calls.length]).toEqual([rows, count]);
  });
});
