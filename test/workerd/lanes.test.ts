/** [L7] One sender's messages keep their order: after a refusal a connection refuses until it is told to go on. */
import { evictDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Conversation } from "../../durable/conversation/conversation.ts";
import type { SubmitOutcome } from "../../durable/rpc.ts";
import {
  type ChatSocket,
  type DirectChat,
  foundDirectChat,
  type InboxSocket,
  newMessageId,
  openLiveChat,
  openLiveInbox,
  sendFrame,
  textOf,
} from "./support/direct-chat.ts";
import { hibernate } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

type Sender = ChatSocket | InboxSocket;
const paths: [string, (chat: DirectChat) => Promise<Sender>][] = [
  ["chat socket", (chat) => openLiveChat(chat, chat.alice)],
  ["inbox socket", (chat) => openLiveInbox(chat, chat.alice)],
];
async function refused(socket: Sender, count: number): Promise<string[]> {
  const all = (await (socket as ChatSocket).until((received) => {
    const found = received.filter((frame) => frame.type === "refused");
    return found.length >= count && found;
  }, `${count} refusals`)) as { code: string }[];
  return all.map(({ code }) => code);
}
async function texts(chat: DirectChat): Promise<string[]> {
  const page = JSON.parse((await chat.conversation().page(chat.bob, 1, 200)) ?? "null");
  return page.entries.map((entry: { envelope: string }) => textOf(entry.envelope));
}

describe("sends over the inbox socket", () => {
  it("[L7] those of one array make one call, in their order", async () => {
    const chat = await foundDirectChat();
    const alice = await openLiveInbox(chat, chat.alice);
    const submit = vi.spyOn(Conversation.prototype, "submit");
    alice.send(...["a", "b", "c", "d"].map((text) => sendFrame(chat, text)));
    await alice.frame("accepted", 4);
    expect(submit.mock.calls.map(([, submissions]) => submissions.length)).toEqual([4]);
    expect(await texts(chat)).toEqual(["a", "b", "c", "d"]);
  });
});

describe.each(paths)("on the %s", (_, openSender) => {
  it("[L7] refuses everything after a refusal until proceed, also across hibernation", async () => {
    const chat = await foundDirectChat();
    const alice = await openSender(chat);
    alice.send(sendFrame(chat, "bad", { epoch: 9 }), sendFrame(chat, "b"), sendFrame(chat, "c"));
    expect(await refused(alice, 3)).toEqual(["stale_epoch", "after_refusal", "after_refusal"]);
    await hibernate(chat, chat.alice);
    alice.send(sendFrame(chat, "d"));
    expect((await refused(alice, 4)).at(-1)).toBe("after_refusal");
    alice.send({ type: "proceed", conversation_id: chat.id }, sendFrame(chat, "a"), sendFrame(chat, "b"));
    await (alice as ChatSocket).frame("accepted", 2);
    await hibernate(chat, chat.alice);
    alice.send(sendFrame(chat, "c"));
    await (alice as ChatSocket).frame("accepted", 3);
    expect(await texts(chat)).toEqual(["a", "b", "c"]);
  });

  it("[L7] what was sent before proceed does not slip through beside it", async () => {
    const chat = await foundDirectChat();
    const alice = await openSender(chat);
    alice.send(sendFrame(chat, "bad", { epoch: 9 }));
    await refused(alice, 1);
    // Sent before the refusal was seen; arrives with the proceed.
    alice.send(
      sendFrame(chat, "later"),
      { type: "proceed", conversation_id: chat.id },
      sendFrame(chat, "mended"),
    );
    await (alice as ChatSocket).frame("accepted");
    expect(await refused(alice, 2)).toEqual(["stale_epoch", "after_refusal"]);
    expect(await texts(chat)).toEqual(["mended"]);
  });

  it("[L7] a send that cannot be read pauses too", async () => {
    const chat = await foundDirectChat();
    const alice = await openSender(chat);
    const message_id = newMessageId();
    const broken = { ...sendFrame(chat, "x"), message_id, epoch: -1 };
    alice.sendText(JSON.stringify([broken, sendFrame(chat, "y")]));
    expect(await refused(alice, 2)).toEqual(["bad_frame", "after_refusal"]);
    expect(await (alice as ChatSocket).frame("refused")).toMatchObject({ message_id });
    alice.sendText(
      JSON.stringify([
        { type: "proceed", conversation_id: chat.id },
        { ...broken, message_id: 7 },
        sendFrame(chat, "z"),
      ]),
    );
    expect((await refused(alice, 3)).at(-1)).toBe("after_refusal");
    expect(await texts(chat)).toEqual([]);
  });

  it("[L7] another device and another sender are not paused by it", async () => {
    const chat = await foundDirectChat();
    const alice = await openSender(chat);
    const bob = await openLiveChat(chat, chat.bob);
    alice.send(sendFrame(chat, "bad", { epoch: 9 }));
    await refused(alice, 1);
    bob.send(sendFrame(chat, "fine"));
    await bob.frame("accepted");
  });
});

describe("an Inbox's calls", () => {
  it("[L7] are one at a time per chat, in order, and a newer connection gets its answers", async () => {
    const chat = await foundDirectChat();
    const { submit } = Conversation.prototype;
    let running = 0;
    let most = 0;
    const release = Promise.withResolvers<void>();
    vi.spyOn(Conversation.prototype, "submit").mockImplementation(async function (
      this: Conversation,
      author,
      submissions,
    ): Promise<SubmitOutcome[]> {
      running += 1;
      most = Math.max(most, running);
      await release.promise;
      const outcomes = await submit.call(this, author, submissions);
      running -= 1;
      return outcomes;
    });
    const old = await openLiveInbox(chat, chat.alice);
    const frames = ["a", "b", "c"].map((text) => sendFrame(chat, text));
    for (const frame of frames) old.send(frame);
    const newer = await openLiveInbox(chat, chat.alice);
    expect(await old.untilClosed()).toMatchObject({ code: 4409 });
    newer.send(...frames);
    newer.send(sendFrame(chat, "d"));
    release.resolve();
    await newer.frame("accepted", 4);
    expect(most).toBe(1);
    expect(await texts(chat)).toEqual(["a", "b", "c", "d"]);
  });

  it("[L7] [L3] a call whose answer is lost pauses the lane; the resend gets the first ack", async () => {
    const chat = await foundDirectChat();
    const { submit } = Conversation.prototype;
    const spy = vi.spyOn(Conversation.prototype, "submit").mockImplementationOnce(async function (
      this: Conversation,
      author,
      submissions,
    ) {
      await submit.call(this, author, submissions);
      throw new Error("planned: the answer is lost");
    });
    const alice = await openLiveInbox(chat, chat.alice);
    const first = sendFrame(chat, "first");
    alice.send(first);
    expect(await refused(alice, 1)).toEqual(["internal"]);
    spy.mockRestore();
    await evictDurableObject(chat.conversation(), { webSockets: "hibernate" });
    alice.send({ type: "proceed", conversation_id: chat.id }, first, sendFrame(chat, "second"));
    await alice.frame("accepted", 2);
    expect(await texts(chat)).toEqual(["first", "second"]);
  });
});
