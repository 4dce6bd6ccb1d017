/** [F9] Everything is bounded: the queue into a log, and what a slow reader is handed before it is put back into resume. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { limits } from "../../src/protocol/limits.ts";
import {
  type DirectChat,
  foundDirectChat,
  openLiveChat,
  openLiveInbox,
  submissionOf,
} from "./support/direct-chat.ts";
import { eventually, heldSeqs, settle } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function append(chat: DirectChat, count: number): Promise<void> {
  const messages = range(1, count).map((number) => submissionOf(`m${number}`));
  for (const outcome of await chat.conversation().submit(chat.alice, messages))
    expect(outcome).toHaveProperty("accepted");
}

describe("the queue into a log", () => {
  it("[F9] says busy beyond its bound, and takes the same message once there is room", async () => {
    const chat = await foundDirectChat();
    const late = submissionOf("one too many");
    // In one turn: the queue is emptied in the next.
    const [crowd, refused] = await runInDurableObject(chat.conversation(), (conversation) =>
      Promise.all([
        conversation.submit(
          chat.alice,
          range(1, limits.ingestFramesMax).map(() => submissionOf("m")),
        ),
        conversation.submit(chat.bob, [late]),
      ]),
    );
    expect(refused).toMatchObject([
      { refused: { code: "busy", details: { retry_after_ms: expect.any(Number) } } },
    ]);
    // What was queued is dealt with: as many as one device may send at once, and a refusal for each of the rest.
    expect(crowd.filter((outcome) => "accepted" in outcome).length).toBe(limits.sendsPerDeviceBurst);
    expect(await chat.conversation().submit(chat.bob, [late])).toMatchObject([
      { accepted: { seq: limits.sendsPerDeviceBurst + 2 } },
    ]);
  });
});

describe("a slow reader", () => {
  const count = limits.windowEntriesMax + limits.backlogEntriesMax + 76;

  it("[F9] [D7] is handed no more than its window on the inbox socket; the rest is held, and comes as it acks", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveInbox(chat, chat.bob);
    await append(chat, count);
    await eventually(async () => (await heldSeqs(chat, chat.bob)).includes(count + 1), "holding the last");
    await bob.untilSeq(limits.windowEntriesMax + 1);
    const unacknowledged = bob.entries().filter(({ seq }) => seq > 1);
    expect(unacknowledged.length).toBeLessThanOrEqual(limits.windowEntriesMax + limits.backlogEntriesMax);
    const isLive = () => bob.received.filter(({ type }) => type === "live").length > 1;
    let acked = 1;
    await bob.until(() => {
      const last = bob.entries().at(-1)?.seq ?? 0;
      if (last > acked) bob.send({ type: "ack", conversation_id: chat.id, seq: last });
      acked = Math.max(acked, last);
      return isLive();
    }, "live again");
    expect([...new Set(bob.entries().map(({ seq }) => seq))]).toEqual(range(1, count + 1));
    await settle(chat);
    expect(await heldSeqs(chat, chat.bob)).toEqual([]);
  });

  it("[F9] [F6] is cut to resume on a chat socket, without waiting for a deadline", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveChat(chat, chat.bob);
    await append(chat, count);
    expect(await bob.untilClosed()).toMatchObject({ code: 4410 });
  });
});
