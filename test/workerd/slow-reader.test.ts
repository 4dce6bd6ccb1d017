/** [F9] The window of a socket: who does not acknowledge is cut to "resume", and nobody else waits. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { limits } from "../../src/protocol/limits.ts";
import {
  type DirectChat,
  foundDirectChat,
  openChat,
  openLiveChat,
  sendFrame,
} from "./support/direct-chat.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Of a resume in which each batch is acknowledged as it comes. */
async function seqsFromTheStart(chat: DirectChat): Promise<number[]> {
  const socket = await openChat(chat, chat.bob);
  socket.send({ type: "hello", conversation_id: chat.id, position: null });
  let acked = 0;
  await socket.until((received) => {
    const seq = socket.entries().at(-1)?.seq ?? 0;
    if (seq > acked) {
      acked = seq;
      socket.send({ type: "ack", conversation_id: chat.id, seq });
    }
    return received.some(({ type }) => type === "live");
  }, "live");
  return socket.entries().map(({ seq }) => seq);
}

describe("a device that reads slower than is written to it", () => {
  it("is cut when its window of bytes is full, before any deadline; another device gets all on its socket", async () => {
    const chat = await foundDirectChat({ alice: 1, bob: 2 });
    const alice = await openLiveChat(chat, chat.alice);
    const slow = await openLiveChat(chat, chat.bob);
    const quick = await openLiveChat(chat, { ...chat.bob, device_id: 2 });
    // Time stands still: no deadline is ever missed.
    const now = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => now);
    const envelope = btoa("x".repeat(48 * 1024));
    const last = Math.ceil(limits.windowBytesMax / envelope.length) + 6;
    for (let seq = 2; seq <= last; seq++) {
      alice.send(sendFrame(chat, "", { envelope, base_seq: seq - 1 }));
      await alice.frame("accepted", seq - 1);
      await quick.untilSeq(seq);
      quick.send({ type: "ack", conversation_id: chat.id, seq });
    }
    expect(await slow.untilClosed()).toMatchObject({ code: 4410 });
    const shown = slow.entries().map(({ seq }) => seq);
    expect(shown.length * envelope.length).toBeGreaterThan(limits.windowBytesMax - 2 * envelope.length);
    expect(shown.length * envelope.length).toBeLessThan(limits.windowBytesMax + 3 * envelope.length);
    const all = Array.from({ length: last }, (_, index) => index + 1);
    expect(quick.entries().map(({ seq }) => seq)).toEqual(all);
    expect(alice.closed ?? quick.closed).toBeNull();
    expect(await seqsFromTheStart(chat)).toEqual(all);
  });
});
