/** The way into the log when something goes wrong in it, and its bounds [L2] [F9]. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { EntryCache } from "../../durable/conversation/entry-cache.ts";
import { limits } from "../../src/protocol/limits.ts";
import {
  type DirectChat,
  foundDirectChat,
  newMessageId,
  openLiveChat,
  sendFrame,
  submissionOf,
} from "./support/direct-chat.ts";
import { rowsOf } from "./support/faults.ts";

const { ingestFramesMax, ingestBytesMax } = limits;
afterEach(() => {
  vi.restoreAllMocks();
  Object.assign(limits, { ingestFramesMax, ingestBytesMax });
});

async function seqs(chat: DirectChat): Promise<number[]> {
  const rows = await rowsOf(chat.conversation(), "SELECT seq FROM entries ORDER BY seq");
  return rows.map((row) => Number(row.seq));
}

describe("a flush that fails after its transaction", () => {
  it.each(["a call", "a chat socket"] as const)(
    "[L2] [L3] answers %s, and the same id then gets its first ack; the log stays dense",
    async (path) => {
      const chat = await foundDirectChat();
      const bob = await openLiveChat(chat, chat.bob);
      const alice = await openLiveChat(chat, chat.alice);
      const add = vi.spyOn(EntryCache.prototype, "add").mockImplementationOnce(() => {
        throw new Error("planned: a bug after the append");
      });
      const submissions = ["a", "b"].map((text) => submissionOf(text));
      if (path === "a call") {
        const outcomes = await chat.conversation().submit(chat.alice, submissions);
        const refused = { refused: { code: "internal", details: {} } };
        expect(outcomes).toEqual([refused, refused]);
      } else {
        alice.send(...submissions.map((fields) => sendFrame(chat, "", fields)));
        const refusals = await alice.until((received) => {
          const found = received.filter((frame) => frame.type === "refused");
          return found.length === 2 && found;
        }, "the refusals");
        expect(refusals.map((frame) => frame.type === "refused" && frame.code)).toEqual([
          "internal",
          "internal",
        ]);
      }
      add.mockRestore();
      // Who may have missed what was to be shown resumes.
      expect(await bob.untilClosed()).toMatchObject({ code: 4410 });
      const again = await chat.conversation().submit(chat.alice, submissions);
      expect(again).toMatchObject([{ accepted: { seq: 2 } }, { accepted: { seq: 3 } }]);
      expect(await chat.conversation().submit(chat.alice, [submissionOf("c")])).toMatchObject([
        { accepted: { seq: 4 } },
      ]);
      expect(await seqs(chat)).toEqual([1, 2, 3, 4]);
      const page = JSON.parse((await chat.conversation().page(chat.bob, 1, 10)) ?? "null");
      expect(page.entries.map((entry: { envelope: string }) => atob(entry.envelope))).toEqual([
        "a",
        "b",
        "c",
      ]);
      const back = await openLiveChat(chat, chat.bob);
      expect(back.entries().map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    },
  );
});

describe("the ingest queue", () => {
  it("[F9] [L7] beyond its number of frames is busy, in order: nothing after the first refusal gets in", async () => {
    Object.assign(limits, { ingestFramesMax: 10 });
    const chat = await foundDirectChat();
    const outcomes = await chat.conversation().submit(
      chat.alice,
      Array.from({ length: 15 }, () => submissionOf("m")),
    );
    const accepted = outcomes.flatMap((outcome) => ("accepted" in outcome ? [outcome.accepted.seq] : []));
    const refused = outcomes.flatMap((outcome) => ("refused" in outcome ? [outcome.refused.code] : []));
    expect(refused).toContain("busy");
    // The lane was paused before the flush, so that what queued before the refusal waits with the rest.
    expect([...accepted, ...refused]).toHaveLength(15);
    expect(await seqs(chat)).toEqual([1, ...accepted]);
    const retried = await chat.conversation().submit(chat.alice, [submissionOf("later")]);
    expect(retried).toMatchObject([{ accepted: { seq: accepted.length + 2 } }]);
  });

  it("[F9] beyond its bytes is busy for who comes then, and takes what came before", async () => {
    const envelope = btoa("x".repeat(48 * 1024));
    Object.assign(limits, { ingestBytesMax: envelope.length * 3 });
    const chat = await foundDirectChat();
    const bob = await openLiveChat(chat, chat.bob);
    const calls = Array.from({ length: 5 }, () =>
      chat.conversation().submit(chat.alice, [submissionOf("", { envelope, message_id: newMessageId() })]),
    );
    const outcomes = (await Promise.all(calls)).flat();
    const busy = outcomes.filter((outcome) => "refused" in outcome);
    for (const outcome of busy) {
      expect(outcome).toMatchObject({
        refused: { code: "busy", details: { retry_after_ms: expect.any(Number) } },
      });
    }
    bob.send(sendFrame(chat, "small"));
    await bob.frame("accepted");
    expect(await seqs(chat)).toHaveLength(1 + (5 - busy.length) + 1);
  });
});
