/** Founding races and what a removed device still gets [F8]. */

import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { FoundRequest } from "../../src/protocol/http.ts";
import { type DeviceRef, directConversationId } from "../../src/protocol/ids.ts";
import { MlsChat, newConversationId } from "./mls-client.ts";
import {
  commitTo,
  type DirectChat,
  devicesOf,
  foundDirectChat,
  newMessageId,
  newUserId,
  openLiveChat,
  openLiveInbox,
  sendCommit,
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
  const mls = new MlsChat(id, "direct");
  const call = async (author: DeviceRef = alice, devices?: DeviceRef[]) => {
    const others = [alice, bob].filter((device) => device.user_id !== author.user_id);
    return { author, ...(await mls.founding(devices ?? [author, ...others])).request };
  };
  return { alice, bob, call, conversation: env.CONVERSATION.getByName(id) };
}

describe("founding", () => {
  it("one of two wins, the loser is told what there is, a repeat gets the winner's answer", async () => {
    const { alice, bob, call, conversation } = await unfounded();
    const [one, other] = [await call(alice), await call(bob)];
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
    // [L3] The winner's id with other bytes is neither a repeat nor another founding.
    const altered = { ...(await call(won.author)), message_id: won.message_id };
    expect(await conversation.found(altered)).toMatchObject({ refused: { code: "id_conflict" } });
  });

  it("is refused to strangers, for wrong users, and stores nothing then", async () => {
    const { alice, bob, call, conversation } = await unfounded();
    const stranger = { user_id: newUserId(), device_id: 1 };
    const badRoster = { refused: { code: "bad_roster" } };
    expect(await conversation.found(await call(stranger))).toMatchObject(badRoster);
    expect(await conversation.found(await call(alice, [alice, stranger]))).toMatchObject(badRoster);
    const six = await call(alice, [...devicesOf(alice, 6), bob]);
    expect(await conversation.found(six)).toMatchObject(badRoster);
    expect(await conversation.found({ ...(await call()), envelope: "QR==" })).toMatchObject({
      refused: { code: "bad_frame" },
    });
    expect(await conversation.state(alice)).toBeNull();
    expect(await conversation.found(await call())).not.toHaveProperty("refused");
    expect(await conversation.found(await call(stranger))).toEqual({
      refused: { code: "bad_roster", details: {} },
    });
  });

  it("[E11] is refused where the commit says other things than the request, and stores nothing then", async () => {
    const { alice, bob, call, conversation } = await unfounded();
    const right = await call();
    const other = await call();
    const forged: [FoundRequest & { author: DeviceRef }, string][] = [
      [{ ...right, author: bob }, "committer"],
      [{ ...right, devices: [alice, { ...bob, device_id: 2 }] }, "roster_change.add"],
      [{ ...right, message_id: newMessageId() }, "message_id"],
      [{ ...right, envelope: "AAAA" }, "malformed"],
      [{ ...right, welcome: null }, "welcome"],
      [{ ...right, welcome: "AAAA" }, "malformed"],
      [{ ...right, group_info: other.group_info, envelope: right.group_info }, "wrong_wire_format"],
      [{ ...right, envelope: other.envelope }, "message_id"],
      [
        {
          ...right,
          envelope: (await new MlsChat(newConversationId(), "direct").founding([alice, bob])).request
            .envelope,
        },
        "wrong_group",
      ],
    ];
    for (const [request, where] of forged)
      expect(await conversation.found(request), where).toEqual({
        refused: { code: "bad_commit", details: { where } },
      });
    expect(await conversation.state(alice)).toBeNull();
    expect(
      await conversation.found({ ...right, tree: { hash: "A".repeat(43), size: 200_000 } }),
    ).toMatchObject({
      refused: { code: "blob_missing" },
    });
    expect(await conversation.found(right)).toHaveProperty("state");
  });
});

describe("removal of a device", () => {
  const remove = (chat: DirectChat) => commitTo(chat, chat.bob, { remove: [{ ...chat.bob, device_id: 2 }] });

  it("[F8] its chat socket gets the commit, then 4404; nothing after it reaches the device", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 2 });
    const tablet = await openLiveChat(chat, { ...chat.bob, device_id: 2 });
    const made = await chat.mls.commit(chat.bob, { remove: [{ ...chat.bob, device_id: 2 }] });
    const outcomes = await Promise.all([
      sendCommit(chat, made),
      chat.conversation().submit(chat.alice, [submissionOf("secret", { epoch: 2 })]),
    ]);
    expect(outcomes.flat().every((outcome) => "accepted" in outcome)).toBe(true);
    expect(await tablet.untilClosed()).toMatchObject({ code: 4404 });
    expect(tablet.entries().map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it("[F8] [F5] an absent one is told by its Inbox, acks, and the alarm comes to rest", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 2 });
    await chat.conversation().submit(chat.alice, [submissionOf("one")]);
    expect(await remove(chat)).toHaveProperty("accepted");
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
    expect(await remove(chat)).toHaveProperty("accepted");
    await tablet.untilSeq(3);
    await settle(chat);
    expect(await armedAt(chat.conversation())).toBeNull();
  });

  it("[E12] a new device commits itself in and is served from there on", async () => {
    const chat = await foundDirectChat();
    const phone = { ...chat.bob, device_id: 2 };
    await chat.inbox(phone).addDevice(2);
    const joining = await chat.mls.join(phone);
    expect(await chat.conversation().submit(phone, [submissionOf("too early")])).toMatchObject([
      { refused: { code: "not_found" } },
    ]);
    const call = { author: phone, request: joining.request, areActive: true };
    expect(await chat.conversation().commit(call)).toMatchObject({ accepted: { seq: 2 } });
    expect(await chat.conversation().commit(call)).toMatchObject({ accepted: { seq: 2 } });
    await chat.conversation().submit(chat.alice, [submissionOf("hi", { epoch: 2 })]);
    const socket = await openLiveInbox(chat, phone);
    expect(socket.entries().map(({ seq }) => seq)).toEqual([3]);
    socket.send(sendFrame(chat, "hello", { epoch: 2, base_seq: 3 }));
    await socket.frame("accepted");
    await alarmOf(chat);
  });
});
