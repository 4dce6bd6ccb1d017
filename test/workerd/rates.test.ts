/** [F9] What one device may make objects do by what it says: bounded, answered with a typed error, never a cut socket. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { Conversation } from "../../durable/conversation/conversation.ts";
import { directConversationId } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import { MlsChat } from "./mls-client.ts";
import {
  type ChatSocket,
  type DirectChat,
  foundDirectChat,
  type InboxSocket,
  newUserId,
  openChat,
  openInbox,
  openLiveChat,
  openLiveInbox,
  sendFrame,
  submissionOf,
} from "./support/direct-chat.ts";
import { eventually, heldSeqs, hibernate, moveClock, rowsOf } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const madeUp = (count: number) =>
  Array.from({ length: count }, () => `${newUserId()}${newUserId().slice(1)}`);
function refusals(socket: ChatSocket | InboxSocket, code: string) {
  return (socket as ChatSocket).received.filter(
    (frame) => (frame.type === "error" || frame.type === "refused") && frame.code === code,
  ) as { code: string; retry_after_ms?: number }[];
}
/** Names of the Conversations that were called. */
function watchCalls(): Set<string> {
  const called = new Set<string>();
  const nameOf = (object: Conversation) =>
    (object as unknown as { ctx: DurableObjectState }).ctx.id.name ?? "";
  const { acked, submit } = Conversation.prototype;
  vi.spyOn(Conversation.prototype, "acked").mockImplementation(async function (this: Conversation, ...args) {
    called.add(nameOf(this));
    return await acked.apply(this, args);
  });
  vi.spyOn(Conversation.prototype, "submit").mockImplementation(async function (this: Conversation, ...args) {
    called.add(nameOf(this));
    return await submit.apply(this, args);
  });
  return called;
}
function sendInArrays(socket: ChatSocket | InboxSocket, frames: object[]): void {
  for (let from = 0; from < frames.length; from += limits.framesPerArrayMax) {
    socket.sendText(JSON.stringify(frames.slice(from, from + limits.framesPerArrayMax)));
  }
}
/** Uses up all calls of a device to conversations that its Inbox does not list. */
async function exhaust(socket: InboxSocket): Promise<void> {
  sendInArrays(
    socket,
    madeUp(limits.unlistedChatsBurst + 5).map((conversation_id) => ({
      type: "ack",
      conversation_id,
      seq: 1,
    })),
  );
  await socket.until(() => refusals(socket, "rate_limited").length >= 1, "the first refusal");
}

describe("frames that name conversations the Inbox does not list", () => {
  it("wake a bounded number of them, whatever the frame; then rate_limited, and the own chat goes on", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveInbox(chat, chat.bob);
    const called = watchCalls();
    const ids = madeUp(150);
    sendInArrays(
      bob,
      ids.map((conversation_id, index) =>
        index % 3 === 0
          ? { ...sendFrame(chat, "x"), conversation_id }
          : { type: index % 3 === 1 ? "ack" : "read", conversation_id, seq: 1 },
      ),
    );
    const count = () => refusals(bob, "rate_limited").length + refusals(bob, "not_found").length;
    await bob.until(() => count() === ids.length, "all answers");
    expect(called.size).toBeGreaterThanOrEqual(limits.unlistedChatsBurst);
    expect(called.size).toBeLessThanOrEqual(limits.unlistedChatsBurst + 2);
    for (const { retry_after_ms } of refusals(bob, "rate_limited")) expect(retry_after_ms).toBeGreaterThan(0);
    bob.send(sendFrame(chat, "own"));
    await bob.frame("accepted");
    expect(bob.closed).toBeNull();
    const before = called.size;
    moveClock(10_000);
    sendInArrays(
      bob,
      madeUp(20).map((conversation_id) => ({ type: "ack", conversation_id, seq: 1 })),
    );
    await bob.until(() => count() === ids.length + 20, "all answers");
    expect(called.size - before).toBeGreaterThan(0);
    expect(called.size - before).toBeLessThan(10);
  });

  it("are answered in a poll too, beside the reports that are right", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveInbox(chat, chat.bob);
    await exhaust(bob);
    await chat.conversation().submit(chat.alice, [submissionOf("m")]);
    await bob.untilSeq(2);
    const [unknown = ""] = madeUp(1);
    const reports = [
      { conversation_id: unknown, acked: 1 },
      { conversation_id: chat.id, acked: 2 },
    ];
    const answer = JSON.parse((await chat.inbox(chat.bob).poll(1, { reports, wait_ms: 0 })) ?? "null");
    expect(answer.refused).toEqual([{ conversation_id: unknown, code: "rate_limited" }]);
    const state = await chat.conversation().state(chat.alice);
    expect(state?.members.find(({ user_id }) => user_id === chat.bob.user_id)?.delivered).toBe(2);
  });

  it("never are the founder's own: its Inbox lists the chat when the founding is answered", async () => {
    const chat = await foundDirectChat();
    const alice = await openLiveInbox(chat, chat.alice);
    await exhaust(alice);
    const other = { user_id: newUserId(), device_id: 1 };
    const id = await directConversationId(chat.alice.user_id, other.user_id);
    const { env } = await import("cloudflare:workers");
    const { request } = await new MlsChat(id, "direct").founding([chat.alice, other]);
    const founding = { author: chat.alice, ...request };
    expect(await env.CONVERSATION.getByName(id).found(founding)).toHaveProperty("state");
    const listed = "SELECT 1 AS one FROM conversations WHERE conversation_id = ?";
    expect(await rowsOf(chat.inbox(chat.alice), listed, id)).toHaveLength(1);
    alice.send({ ...sendFrame(chat, "first"), conversation_id: id });
    expect(await alice.frame("accepted")).toMatchObject({ seq: 2, conversation_id: id });
  });

  it("cost one token where the list lags behind a chat that is there", async () => {
    const chat = await foundDirectChat();
    const bob = await openLiveInbox(chat, chat.bob);
    await rowsOf(chat.inbox(chat.bob), "DELETE FROM conversations");
    await hibernate(chat, chat.bob);
    for (let seq = 2; seq < 2 * limits.unlistedChatsBurst; seq++) {
      bob.send(sendFrame(chat, "m"));
      await bob.frame("accepted", seq - 1);
    }
    await exhaust(bob);
    bob.send(sendFrame(chat, "still"));
    await bob.frame("accepted", 2 * limits.unlistedChatsBurst - 1);
  });
});

const sockets: [string, (chat: DirectChat) => Promise<ChatSocket | InboxSocket>][] = [
  ["chat", (chat) => openLiveChat(chat, chat.bob)],
  ["inbox", (chat) => openLiveInbox(chat, chat.bob)],
];
describe.each(sockets)("a flood of frames on the %s socket", (path, open) => {
  it("passes as long as an honest one; beyond that each is refused and the socket stays", async () => {
    const chat = await foundDirectChat();
    const bob = await open(chat);
    let now = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => now);
    const ack = { type: "ack", conversation_id: chat.id, seq: 1 };
    sendInArrays(
      bob,
      Array.from({ length: 10_000 }, () => ack),
    );
    bob.send(sendFrame(chat, "honest"));
    await (bob as ChatSocket).frame("accepted");
    expect(refusals(bob, "rate_limited")).toEqual([]);
    sendInArrays(
      bob,
      Array.from({ length: limits.framesPerDeviceBurst }, () => ack),
    );
    bob.send(sendFrame(chat, "still sends", { base_seq: 2 }));
    await (bob as ChatSocket).frame("accepted", 2);
    expect(refusals(bob, "rate_limited").length).toBeGreaterThan(limits.framesPerDeviceBurst / 3);
    expect(refusals(bob, "rate_limited").at(-1)).toMatchObject({ conversation_id: chat.id });
    expect(bob.closed).toBeNull();
    now += 5_000;
    const before = refusals(bob, "rate_limited").length;
    sendInArrays(
      bob,
      Array.from({ length: 1_000 }, () => ack),
    );
    bob.send(sendFrame(chat, "again", { base_seq: 3 }));
    await (bob as ChatSocket).frame("accepted", 3);
    expect(refusals(bob, "rate_limited")).toHaveLength(before);
  });

  it("hello is answered with backlog only so often", async () => {
    const chat = await foundDirectChat();
    const bob = path === "chat" ? await openChat(chat, chat.bob) : await openInbox(chat, chat.bob);
    const hello =
      path === "chat"
        ? { type: "hello", conversation_id: chat.id, position: null }
        : { type: "hello", store_id: null };
    sendInArrays(
      bob,
      Array.from({ length: 200 }, () => hello),
    );
    const readies = () => (bob as ChatSocket).received.filter(({ type }) => type === "ready").length;
    await (bob as ChatSocket).until(
      () => readies() + refusals(bob, "rate_limited").length === 200,
      "an answer to each",
    );
    expect(readies()).toBeLessThanOrEqual(limits.resumesPerDeviceBurst + 2);
    expect(bob.closed).toBeNull();
    await eventually(async () => (await heldSeqs(chat, chat.bob)).length === 1, "what is held stays held");
  });
});
