/** Founding races and what a removed device still gets [F8]. */

import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { directConversationId } from "../../src/protocol/ids.ts";
import {
  devicesOf,
  envelopeOf,
  foundDirectChat,
  newMessageId,
  newUserId,
  openLiveChat,
  openLiveInbox,
  sendFrame,
  submissionOf,
} from "./support/direct-chat.ts";
import { alarmOf, armedAt, hibernate, settle } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function unfounded() {
  const alice = { user_id: newUserId(), device_id: 1 };
  const bob = { user_id: newUserId(), device_id: 1 };
  for (const user of [alice, bob]) await env.INBOX.getByName(user.user_id).addDevice(1);
  const id = await directConversationId(alice.user_id, bob.user_id);
  const call = (author = alice) => ({
    author,
    message_id: newMessageId(),
    generation: 1,
    devices: [alice, bob],
    envelope: envelopeOf("f"),
  });
  return { alice, bob, call, conversation: env.CONVERSATION.getByName(id) };
}

describe("founding", () => {
  it("one of two wins, the loser is told what there is, a repeat gets the winner's answer", async () => {
    const { alice, bob, call, conversation } = await unfounded();
    const [one, other] = [call(alice), call(bob)];
    const outcomes = await Promise.all([conversation.found(one), conversation.found(other)]);
    const winners = outcomes.map((outcome) => !("refused" in outcome));
    expect(winners.filter(Boolean)).toHaveLength(1);
    const [won, lost] = winners[0] ? [one, other] : [other, one];
    expect(outcomes.find((outcome) => "refused" in outcome)).toMatchObject({
      refused: { code: "already_founded" },
      state: { head: 1 },
    });
    for (let round = 0; round < 2; round++) {
      expect(await conversation.found(won)).not.toHaveProperty("refused");
      expect(await conversation.found(lost)).toMatchObject({ refused: { code: "already_founded" } });
      // The same id from the other one, whose device bears the same number, is not the winner's call.
      const borrowed = { ...lost, message_id: won.message_id };
      expect(await conversation.found(borrowed)).toMatchObject({ refused: { code: "already_founded" } });
      await conversation.submit(won.author, [submissionOf("x")]);
    }
  });

  it("is refused to strangers, for wrong users, and stores nothing then", async () => {
    const { alice, call, conversation } = await unfounded();
    const stranger = { user_id: newUserId(), device_id: 1 };
    expect(await conversation.found(call(stranger))).toMatchObject({ refused: { code: "bad_roster" } });
    expect(await conversation.found({ ...call(), devices: [alice, stranger] })).toMatchObject({
      refused: { code: "bad_roster" },
    });
    const six = [...devicesOf(alice, 6), ...call().devices.slice(1)];
    expect(await conversation.found({ ...call(), devices: six })).toMatchObject({
      refused: { code: "bad_roster" },
    });
    expect(await conversation.state(alice)).toBeNull();
    expect(await conversation.found({ ...call(), envelope: "QR==" })).toMatchObject({
      refused: { code: "bad_frame" },
    });
    expect(await conversation.found(call())).not.toHaveProperty("refused");
    expect(await conversation.found(call(stranger))).toEqual({
      refused: { code: "bad_roster", details: {} },
    });
  });
});

describe("removal of a device", () => {
  const removal = (chat: Awaited<ReturnType<typeof foundDirectChat>>) => ({
    ...submissionOf("removal"),
    roster_change: { add: [], remove: [{ ...chat.bob, device_id: 2 }] },
  });

  it("[F8] its chat socket gets the commit, then 4404; nothing after it reaches the device", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 2 });
    const tablet = await openLiveChat(chat, { ...chat.bob, device_id: 2 });
    const outcomes = await Promise.all([
      chat.conversation().submit(chat.bob, [removal(chat)]),
      chat.conversation().submit(chat.alice, [submissionOf("secret", { epoch: 2 })]),
    ]);
    expect(outcomes.flat().every((outcome) => "accepted" in outcome)).toBe(true);
    expect(await tablet.untilClosed()).toMatchObject({ code: 4404 });
    expect(tablet.entries().map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it("[F8] [F5] an absent one is told by its Inbox, acks, and the alarm comes to rest", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 2 });
    await chat.conversation().submit(chat.alice, [submissionOf("one")]);
    await chat.conversation().submit(chat.bob, [removal(chat)]);
    await chat.conversation().submit(chat.alice, [submissionOf("secret", { epoch: 2 })]);
    await hibernate(chat);
    await settle(chat);
    const tablet = await openLiveInbox(chat, { ...chat.bob, device_id: 2 });
    expect(tablet.entries().map(({ seq }) => seq)).toEqual([1, 2, 3]);
    const page = JSON.parse((await chat.conversation().page({ ...chat.bob, device_id: 2 }, 0, 50)) ?? "null");
    expect(page).toMatchObject({ head: 3, more: false });
  });

  it("[F5] a removed device that never comes back leaves no alarm running", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 2 });
    const tablet = await openLiveInbox(chat, { ...chat.bob, device_id: 2 });
    await chat.conversation().submit(chat.alice, [submissionOf("one")]);
    await chat.conversation().submit(chat.bob, [removal(chat)]);
    await tablet.untilSeq(3);
    await settle(chat);
    expect(await armedAt(chat.conversation())).toBeNull();
  });

  it("[E12] a new device commits itself in and is served from there on", async () => {
    const chat = await foundDirectChat();
    const phone = { ...chat.bob, device_id: 2 };
    await chat.inbox(phone).addDevice(2);
    const joining = { ...submissionOf("join"), roster_change: { add: [phone], remove: [] } };
    expect(await chat.conversation().submit(phone, [submissionOf("too early")])).toMatchObject([
      { refused: { code: "not_found" } },
    ]);
    expect(await chat.conversation().submit(phone, [joining])).toMatchObject([{ accepted: { seq: 2 } }]);
    expect(await chat.conversation().submit(phone, [joining])).toMatchObject([{ accepted: { seq: 2 } }]);
    await chat.conversation().submit(chat.alice, [submissionOf("hi", { epoch: 2 })]);
    const socket = await openLiveInbox(chat, phone);
    expect(socket.entries().map(({ seq }) => seq)).toEqual([3]);
    socket.send(sendFrame(chat, "hello", { epoch: 2, base_seq: 3 }));
    await socket.frame("accepted");
    await alarmOf(chat);
  });
});
