/**
 * [F10] The real thing: the runtime puts an object that was idle for ten seconds to sleep, memory gone and sockets kept,
 * and everything goes on where it was. The other tests evict by hand; this one waits, and makes sure that it happened.
 */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Inbox } from "../../durable/inbox/inbox.ts";
import { foundDirectChat, openLiveChat, openLiveInbox, sendFrame } from "./support/direct-chat.ts";
import { eventually, heldSeqs, settle } from "./support/faults.ts";

const idleMs = 13_000;

/** A trace in memory only: it is gone once the object has been built anew. */
async function leaveTrace(stub: DurableObjectStub): Promise<() => Promise<boolean>> {
  const trace = Symbol("memory");
  await runInDurableObject(stub as DurableObjectStub<Inbox>, (instance) => {
    Object.assign(instance, { [trace]: true });
  });
  return () => runInDurableObject(stub as DurableObjectStub<Inbox>, (instance) => trace in instance);
}

describe("ten idle seconds", () => {
  it("[F10] take the memory of both objects and no socket; send, ack and tick go on over the same ones", {
    timeout: 60_000,
  }, async () => {
    const chat = await foundDirectChat();
    const alice = await openLiveChat(chat, chat.alice);
    const bob = await openLiveInbox(chat, chat.bob);
    alice.send(sendFrame(chat, "before"));
    await bob.untilSeq(2);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 2 });
    const delivered = (seq: number) =>
      alice.until(
        (received) =>
          received.some(
            (frame) =>
              frame.type === "receipts" && frame.receipts.some((receipt) => receipt.delivered === seq),
          ),
        `the tick of ${seq}`,
      );
    await delivered(2);
    await settle(chat);
    const objects = [chat.conversation(), chat.inbox(chat.bob)];
    const isRemembered = await Promise.all(objects.map((stub) => leaveTrace(stub as DurableObjectStub)));
    await new Promise((resolve) => setTimeout(resolve, idleMs));
    alice.send(sendFrame(chat, "after", { base_seq: 2 }));
    expect(await alice.frame("accepted", 2)).toMatchObject({ seq: 3 });
    await bob.untilSeq(3);
    bob.send({ type: "ack", conversation_id: chat.id, seq: 3 });
    await delivered(3);
    expect(await Promise.all(isRemembered.map((ask) => ask()))).toEqual([false, false]);
    expect(alice.closed ?? bob.closed).toBeNull();
    expect(bob.entries().map(({ seq }) => seq)).toEqual([1, 2, 3]);
    await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 0, "nothing held");
  });
});
