/** The log's promises L1 to L4, in the real runtime. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Submission, SubmitOutcome } from "../../durable/rpc.ts";
import { limits } from "../../src/protocol/limits.ts";
import {
  type DirectChat,
  envelopeOf,
  foundDirectChat,
  newMessageId,
  openLiveChat,
  openLiveInbox,
  sendCommit,
  sendFrame,
  submissionOf,
} from "./support/direct-chat.ts";
import { armedAt, hibernate, rowsOf, settle } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

function acceptedOf(outcome: SubmitOutcome | undefined): { seq: number; sent_at: number } {
  if (outcome === undefined || !("accepted" in outcome)) throw new Error(JSON.stringify(outcome));
  const { seq, sent_at } = outcome.accepted;
  return { seq, sent_at };
}
async function submit(chat: DirectChat, submission: Submission, author = chat.alice): Promise<SubmitOutcome> {
  const [outcome] = await chat.conversation().submit(author, [submission]);
  if (outcome === undefined) throw new Error("no outcome");
  return outcome;
}
async function seqs(chat: DirectChat): Promise<number[]> {
  return (await rowsOf(chat.conversation(), "SELECT seq FROM entries ORDER BY seq")).map((row) =>
    Number(row["seq"]),
  );
}
const upTo = (head: number) => Array.from({ length: head }, (_, index) => index + 1);

describe("the log", () => {
  it("[L1] stays dense under concurrent sends from chat socket, inbox socket and HTTP", async () => {
    const chat = await foundDirectChat({ alice: 2, bob: 1 });
    const onChat = await openLiveChat(chat, chat.alice);
    const onInbox = await openLiveInbox(chat, { ...chat.alice, device_id: 2 });
    const http: Promise<SubmitOutcome>[] = [];
    for (let i = 0; i < 20; i++) {
      onChat.send(sendFrame(chat, `c${i}`), sendFrame(chat, `d${i}`));
      onInbox.send(sendFrame(chat, `i${i}`));
      http.push(submit(chat, submissionOf(`h${i}`), chat.bob));
    }
    await onChat.frame("accepted", 40);
    await onInbox.frame("accepted", 20);
    const given = [
      ...[onChat, onInbox].flatMap((socket) =>
        (socket.received as { type: string; seq?: number }[])
          .filter(({ type }) => type === "accepted")
          .map(({ seq }) => Number(seq)),
      ),
      ...(await Promise.all(http)).map((outcome) => acceptedOf(outcome).seq),
    ];
    expect(given.sort((a, b) => a - b)).toEqual(upTo(81).slice(1));
    expect(await seqs(chat)).toEqual(upTo(81));
  });

  it("[L2] [F5] a failed flush leaves nothing behind, answers all, and loses no alarm", async () => {
    const chat = await foundDirectChat();
    await settle(chat);
    await runInDurableObject(chat.conversation(), (_, state) => {
      // The third row of the flush fails inside the transaction.
      state.storage.sql.exec(
        "CREATE TRIGGER planned BEFORE INSERT ON entries WHEN NEW.seq = 4 BEGIN SELECT RAISE(ABORT, 'planned'); END",
      );
    });
    const failed = [submissionOf("a"), submissionOf("b"), submissionOf("c")];
    const outcomes = await chat.conversation().submit(chat.alice, failed);
    expect(outcomes.map((outcome) => "refused" in outcome && outcome.refused.code)).toEqual([
      "internal",
      "internal",
      "internal",
    ]);
    expect(await seqs(chat)).toEqual([1]);
    expect(await armedAt(chat.conversation())).toBeNull();
    await runInDurableObject(chat.conversation(), (_, state) => {
      state.storage.sql.exec("DROP TRIGGER planned");
    });
    // The same ids again: none of them was kept, in the rows or in memory.
    const again = await chat.conversation().submit(chat.alice, failed);
    expect(again.map((outcome) => acceptedOf(outcome).seq)).toEqual([2, 3, 4]);
    expect(await armedAt(chat.conversation())).not.toBeNull();
  });

  it("[L2] an invalid entry spoils no neighbour of the same flush", async () => {
    const chat = await foundDirectChat();
    const far = newMessageId(Date.now() + limits.messageIdAheadMsMax + 3_600_000);
    const { request } = await chat.mls.commit(chat.alice);
    const forged = { ...request, roster_change: { add: [{ ...chat.bob, device_id: 9 }], remove: [] } };
    const others = ["one", "two", "three", "four"].map((text) => submit(chat, submissionOf(text), chat.bob));
    const bad = await Promise.all([
      submit(chat, submissionOf("x", { epoch: 7 })),
      submit(chat, submissionOf("x", { message_id: far })),
      submit(chat, submissionOf("x", { base_seq: 99 })),
      // zod's base64 takes it, the decoder does not: non-zero padding bits.
      submit(chat, submissionOf("x", { envelope: "QR==" })),
      chat.conversation().commit({ author: chat.alice, request: forged, areActive: true }),
    ]);
    expect(bad.map((outcome) => "refused" in outcome && outcome.refused.code)).toEqual([
      "stale_epoch",
      "bad_message_id",
      "beyond_head",
      "bad_frame",
      "bad_commit",
    ]);
    expect((await Promise.all(others)).map((outcome) => acceptedOf(outcome).seq)).toEqual([2, 3, 4, 5]);
  });

  it("[L3] a resend gets the first ack: from memory, after a wake, after the epoch moved, after removal", async () => {
    const chat = await foundDirectChat({ alice: 2, bob: 1 });
    const message = submissionOf("once");
    const first = acceptedOf(await submit(chat, message));
    expect(acceptedOf(await submit(chat, message))).toEqual(first);
    await hibernate(chat);
    expect(acceptedOf(await submit(chat, message))).toEqual(first);
    const second = { ...chat.alice, device_id: 2 };
    const removal = await chat.mls.commit(second, { remove: [chat.alice] });
    expect(acceptedOf(await sendCommit(chat, removal)).seq).toBe(3);
    expect(acceptedOf(await submit(chat, message))).toEqual(first);
    await hibernate(chat);
    expect(acceptedOf(await submit(chat, message))).toEqual(first);
    const again = { author: second, request: removal.request, areActive: false };
    expect(acceptedOf(await chat.conversation().commit(again)).seq).toBe(3);
    expect(await submit(chat, submissionOf("later", { epoch: 2 }))).toMatchObject({
      refused: { code: "not_found" },
    });
    expect(await seqs(chat)).toEqual([1, 2, 3]);
  });

  it("[L3] a resend in the same flush gets the first ack", async () => {
    const chat = await foundDirectChat();
    const message = submissionOf("twice");
    const outcomes = await Promise.all([submit(chat, message), submit(chat, message), submit(chat, message)]);
    expect(outcomes.map((outcome) => acceptedOf(outcome).seq)).toEqual([2, 2, 2]);
  });

  it("[L3] another body under an id conflicts and names the first seq; another device's id never answers", async () => {
    const chat = await foundDirectChat({ alice: 2, bob: 1 });
    const message = submissionOf("mine");
    await submit(chat, submissionOf("before"));
    expect(acceptedOf(await submit(chat, message)).seq).toBe(3);
    for (let round = 0; round < 2; round++) {
      expect(await submit(chat, { ...message, envelope: envelopeOf("other") })).toMatchObject({
        refused: { code: "id_conflict", details: { first_seq: 3 } },
      });
      await hibernate(chat);
    }
    expect(acceptedOf(await submit(chat, message, { ...chat.alice, device_id: 2 })).seq).toBe(4);
    expect(acceptedOf(await submit(chat, message, chat.bob)).seq).toBe(5);
    expect(await submit(chat, message, { ...chat.bob, device_id: 7 })).toMatchObject({
      refused: { code: "not_found" },
    });
  });

  it("[L3] more than 10,000 behind the head is base_too_old; at the edge the scan still finds the id", async () => {
    const chat = await foundDirectChat();
    const message = submissionOf("old");
    const first = acceptedOf(await submit(chat, message));
    await runInDurableObject(chat.conversation(), (_, state) => {
      state.storage.sql.exec(
        "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO entries SELECT i, printf('filler-%d', i), ?, 1, 'message', 1, ?, 1, NULL, x'00', NULL FROM n",
        limits.baseDistanceMax + 1,
        chat.bob.user_id,
        first.sent_at,
      );
    });
    await hibernate(chat);
    expect(acceptedOf(await submit(chat, message))).toEqual(first);
    expect(acceptedOf(await submit(chat, submissionOf("next"), chat.bob)).seq).toBe(
      limits.baseDistanceMax + 2,
    );
    await hibernate(chat);
    expect(await submit(chat, message)).toMatchObject({
      refused: { code: "base_too_old", details: { head: limits.baseDistanceMax + 2 } },
    });
    expect(acceptedOf(await submit(chat, { ...message, base_seq: limits.baseDistanceMax })).seq).toBe(
      limits.baseDistanceMax + 3,
    );
  });

  it("[L3] an id dated 25 h ahead is refused, 23 h ahead and years old are fine", async () => {
    const chat = await foundDirectChat();
    const hour = 3_600_000;
    const dated = (ms: number) => submissionOf("x", { message_id: newMessageId(ms) });
    expect(await submit(chat, dated(Date.now() + 25 * hour))).toMatchObject({
      refused: { code: "bad_message_id" },
    });
    expect(acceptedOf(await submit(chat, dated(Date.now() + 23 * hour))).seq).toBe(2);
    expect(acceptedOf(await submit(chat, dated(1_500_000_000_000))).seq).toBe(3);
  });

  it("[L4] sent_at never decreases, and the limiter holds nobody off, when the clock goes backwards", async () => {
    const chat = await foundDirectChat();
    const start = Date.now();
    const times: number[] = [];
    for (const offset of [60_000, -3_600_000, 0, 120_000]) {
      vi.spyOn(Date, "now").mockReturnValue(start + offset);
      times.push(
        acceptedOf(await submit(chat, submissionOf("x", { message_id: newMessageId(start) }))).sent_at,
      );
    }
    await hibernate(chat);
    vi.spyOn(Date, "now").mockReturnValue(start - 1_000);
    times.push(
      acceptedOf(await submit(chat, submissionOf("x", { message_id: newMessageId(start) }))).sent_at,
    );
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBe(start + 120_000);
  });
});
