/** A message's path through Conversation and Inbox, in the real runtime. */
import { describe, expect, it } from "vitest";
import {
  devicesOf,
  envelopeOf,
  foundDirectChat,
  newMessageId,
  openLiveChat,
  openLiveInbox,
  submissionOf,
  textOf,
} from "./support/direct-chat.ts";
import { eventually, heldSeqs } from "./support/faults.ts";

describe("delivery", () => {
  it("[L2] [D1] goes from chat socket to chat socket, acked and receipted", async () => {
    const chat = await foundDirectChat();
    const alice = await openLiveChat(chat, chat.alice);
    const bob = await openLiveChat(chat, chat.bob);
    const messageId = newMessageId();
    alice.send({
      type: "send",
      conversation_id: chat.id,
      message_id: messageId,
      generation: 1,
      epoch: 1,
      base_seq: 1,
      silent: false,
      envelope: envelopeOf("hello"),
    });
    const accepted = await alice.frame("accepted");
    expect(accepted).toMatchObject({ message_id: messageId, seq: 2 });
    await bob.untilSeq(2);
    expect(textOf(bob.entries().at(-1)?.envelope ?? "")).toBe("hello");
    bob.send({ type: "ack", conversation_id: chat.id, seq: 2 });
    await alice.until(
      (received) =>
        received.some((frame) => frame.type === "receipts" && frame.receipts.some((r) => r.delivered === 2)),
      "receipt",
    );
  });

  it("[F1] keeps a copy for each device that lacks it, and lets each go by its own ack", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 3 });
    const devices = devicesOf(chat.bob, 3);
    const heldBy = () => Promise.all(devices.map((device) => heldSeqs(chat, device)));
    await chat.conversation().submit(chat.alice, [submissionOf("to all three")]);
    await eventually(async () => (await heldBy()).every((seqs) => seqs.includes(2)), "a copy each");
    const phone = await openLiveInbox(chat, chat.bob);
    expect(phone.entries().map(({ seq }) => seq)).toEqual([1, 2]);
    await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 0, "letting go");
    expect(await heldBy()).toEqual([[], [1, 2], [1, 2]]);
  });

  it("[F4] hands to a live inbox socket and keeps for an absent device", async () => {
    const chat = await foundDirectChat();
    const alice = await openLiveInbox(chat, chat.alice);
    alice.send({
      type: "send",
      conversation_id: chat.id,
      message_id: newMessageId(),
      generation: 1,
      epoch: 1,
      base_seq: 1,
      silent: false,
      envelope: envelopeOf("one"),
    });
    expect(await alice.frame("accepted")).toMatchObject({ seq: 2 });
    const bob = await openLiveInbox(chat, chat.bob);
    expect(bob.entries().map((entry) => entry.seq)).toEqual([1, 2]);
    const [outcome] = await chat.conversation().submit(chat.alice, [submissionOf("two", { base_seq: 2 })]);
    expect(outcome).toMatchObject({ accepted: { seq: 3 } });
    await bob.untilSeq(3);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 3 });
    await alice.until(
      (received) =>
        received.some((frame) => frame.type === "receipts" && frame.receipts.some((r) => r.delivered === 3)),
      "receipt",
    );
  });
});
