/** Bad input on both sockets: a typed error or a documented close code; the other side is undisturbed, nothing is lost. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { limits } from "../../src/protocol/limits.ts";
import {
  type ChatSocket,
  type DirectChat,
  foundDirectChat,
  type InboxSocket,
  newMessageId,
  newUserId,
  openChat,
  openLiveChat,
  openLiveInbox,
  sendFrame,
} from "./support/direct-chat.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

type Sender = ChatSocket | InboxSocket;
const paths: [string, (chat: DirectChat) => Promise<Sender>][] = [
  ["chat socket", (chat) => openLiveChat(chat, chat.alice)],
  ["inbox socket", (chat) => openLiveInbox(chat, chat.alice)],
];
const foreign = "A".repeat(43);
function errors(socket: Sender): { code: string; where?: string }[] {
  return (socket as ChatSocket).received.filter(
    (frame) => frame.type === "error" || frame.type === "refused",
  ) as never[];
}

describe.each(paths)("on the %s", (path, open) => {
  const closing: [string, number, string | ArrayBuffer][] = [
    ["no JSON", 4400, "{nonsense"],
    ["no text", 4400, new TextEncoder().encode("[]").buffer as ArrayBuffer],
    ["no array", 4400, '{"type":"ack"}'],
    ["null", 4400, "null"],
    ["the empty string", 4400, ""],
    ["half a million brackets", 4413, "[".repeat(500_000)],
    ["deep nesting", 4400, "[".repeat(100_000)],
    ["more than 256 KiB", 4413, JSON.stringify([{ type: "x".repeat(limits.frameBytesMax) }])],
    [
      "more than 64 frames",
      4413,
      JSON.stringify(Array.from({ length: limits.framesPerArrayMax + 1 }, () => 0)),
    ],
  ];
  it.each(closing)("%s closes it with %i; the other side goes on", async (_, code, message) => {
    const chat = await foundDirectChat();
    const bob = await openLiveChat(chat, chat.bob);
    const alice = await open(chat);
    alice.send(sendFrame(chat, "before"));
    await (alice as ChatSocket).frame("accepted");
    alice.sendText(message);
    expect(await alice.untilClosed()).toMatchObject({ code });
    const again = await open(chat);
    again.send(sendFrame(chat, "after", { base_seq: 2 }));
    await (again as ChatSocket).frame("accepted");
    await bob.untilSeq(3);
    expect(bob.entries().map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(bob.closed).toBeNull();
  });

  it("every malformed frame is answered one by one, the connection stays, good ones beside them are taken", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveChat(chat, chat.bob);
    const alice = await open(chat);
    const ack = { type: "ack", conversation_id: chat.id };
    const bad: unknown[] = [
      null,
      7,
      "ack",
      [],
      {},
      { type: "unknown" },
      { type: "__proto__" },
      { type: "constructor" },
      { type: ["ack"] },
      { ...ack, seq: -1 },
      { ...ack, seq: 0 },
      { ...ack, seq: 1.5 },
      { ...ack, seq: 1e300 },
      { ...ack, seq: "1" },
      { ...ack, seq: null },
      { ...ack, seq: 1, extra: true },
      { ...ack, conversation_id: "short", seq: 1 },
      { ...ack, conversation_id: { toString: 1 }, seq: 1 },
      {
        type: "accepted",
        conversation_id: chat.id,
        message_id: newMessageId(),
        seq: 2,
        sent_at: 1,
        log_id: "A".repeat(22),
      },
      { type: "hello", conversation_id: chat.id, position: { log_id: "x" } },
      { type: "hello", store_id: 7 },
    ];
    alice.sendText(JSON.stringify(bad));
    const raw = `[{"type":"ack","conversation_id":"${chat.id}","seq":1,"__proto__":{"seq":9}},{"type":"ack","conversation_id":"${chat.id}","seq":1,"constructor":{"prototype":{"isPaused":true}}},{"type":"read","conversation_id":"${chat.id}","seq":NaN}]`;
    alice.sendText(raw.replace("NaN", "1e999"));
    await (alice as ChatSocket).until(() => errors(alice).length >= bad.length + 3, "all answers");
    expect(new Set(errors(alice).map(({ code }) => code))).toEqual(new Set(["bad_frame"]));
    expect(errors(alice)).toHaveLength(bad.length + 3);
    alice.sendText(JSON.stringify([{ type: "unknown" }, sendFrame(chat, "good"), 7]));
    await (alice as ChatSocket).frame("accepted");
    await bob.untilSeq(2);
    expect(({} as Record<string, unknown>).isPaused).toBeUndefined();
    expect(alice.closed ?? bob.closed).toBeNull();
  });

  it("envelopes that are no base64, or too large, are refused and pause the lane; the next proceed mends it", async () => {
    const chat = await foundDirectChat();
    const alice = await open(chat);
    for (const envelope of ["***", "QQ", "QR==", btoa("x".repeat(limits.envelopeBytesMax + 3)), "QQ==\n"]) {
      const count = errors(alice).length;
      alice.sendText(JSON.stringify([{ ...sendFrame(chat, ""), envelope }]));
      await (alice as ChatSocket).until(() => errors(alice).length === count + 1, "the refusal");
      expect(errors(alice).at(-1)).toMatchObject({ type: "refused", code: "bad_frame" });
      alice.send({ type: "proceed", conversation_id: chat.id });
    }
    alice.send(sendFrame(chat, "", { envelope: btoa("x".repeat(limits.envelopeBytesMax)) }));
    expect(await (alice as ChatSocket).frame("accepted")).toMatchObject({ seq: 2 });
  });

  it("a foreign conversation looks like one that does not exist", async () => {
    const chat = await foundDirectChat();
    const strangers = await foundDirectChat();
    const alice = await open(chat);
    for (const id of [foreign, strangers.id]) {
      alice.send(
        sendFrame(chat, "x", { conversation_id: id } as never),
        { type: "ack", conversation_id: id, seq: 1 },
        { type: "read", conversation_id: id, seq: 1 },
      );
    }
    await (alice as ChatSocket).until(
      () => errors(alice).length >= (path === "chat socket" ? 6 : 4),
      "refusals",
    );
    const codes = new Set(errors(alice).map(({ code }) => code));
    expect([...codes]).toEqual([path === "chat socket" ? "bad_frame" : "not_found"]);
    alice.send(sendFrame(chat, "own chat goes on"));
    await (alice as ChatSocket).frame("accepted");
    expect(await strangers.conversation().state(strangers.alice)).toMatchObject({ head: 1 });
  });
});

describe("a stranger", () => {
  it("is closed with 4404 by a chat, whether or not it exists, and learns nothing by calls", async () => {
    const chat = await foundDirectChat();
    const stranger = { user_id: newUserId(), device_id: 1 };
    const none = await foundDirectChat();
    expect(await (await openChat(chat, stranger)).untilClosed()).toMatchObject({ code: 4404 });
    expect(await (await openChat(none, stranger)).untilClosed()).toMatchObject({ code: 4404 });
    expect(await chat.conversation().state(stranger)).toBeNull();
    expect(await chat.conversation().page(stranger, 0, 10)).toBeNull();
    expect(await chat.conversation().acked(stranger.user_id, [{ device_id: 1, acked: 1 }])).toMatchObject({
      answers: [{ acked: 0, refused: { code: "not_found" } }],
    });
  });
});
