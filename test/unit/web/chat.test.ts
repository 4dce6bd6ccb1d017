import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../../src/protocol/errors.ts";
import { unreadTotal } from "../../../src/web/state/app-state.ts";
import { ada, openAtBottom, startApp, startWithChat } from "./app-harness.ts";

const texts = (messages: readonly { body: { type: string } }[]): string[] =>
  messages.map(({ body }) => ("text" in body ? String(body.text) : body.type));

describe("the chat list", () => {
  it("has the newest chat first and follows what the SDK tells", async () => {
    const app = startWithChat();
    app.kittiwake.nowMs += 1_000;
    app.kittiwake.addChat("c2", "Charles", "+447700900123");
    await app.until((state) =>
      expect(state.conversations?.map((chat) => chat.title)).toEqual(["Charles", "Grace"]),
    );
    app.kittiwake.nowMs += 1_000;
    app.kittiwake.receive("c1", "hello");
    await app.until((state) =>
      expect(state.conversations?.map((chat) => chat.title)).toEqual(["Grace", "Charles"]),
    );
    expect(unreadTotal(app.state())).toBe(1);
    // [E7] What a stranger writes is there, and draws nobody's attention.
    app.kittiwake.change("c1", { isRequest: true });
    await app.until((state) => expect(unreadTotal(state)).toBe(0));
    expect(app.state().conversations?.[0]?.unread).toBe(1);
  });

  it("starts a chat by phone number and opens it", async () => {
    const app = startApp((kittiwake) => {
      kittiwake.logIn(ada);
      kittiwake.people.set("+12025550123", "c9");
    });
    app.actions.openNewChat();
    await app.actions.startChat("+1 202 555 0123");
    expect(app.state().newChat.isOpen).toBe(false);
    expect(app.state().route).toEqual({ screen: "chat", conversationId: "c9" });
    expect([...app.kittiwake.openChats]).toEqual(["c9"]);
  });

  it.each([
    ["+12025550199", new ProtocolError("unknown_user").message],
    ["+14155550123", "This is your own number. Enter somebody else's."],
    ["+1", "This number is too short. Check that no digit is missing."],
  ])("answers %s with a sentence in the form", async (phone, sentence) => {
    const app = startApp((kittiwake) => kittiwake.logIn(ada));
    app.actions.openNewChat();
    await app.actions.startChat(phone);
    expect(app.state().newChat).toEqual({ isOpen: true, isBusy: false, error: sentence });
  });
});

describe("the open chat", () => {
  it("is the route's: opened with it, closed with it", async () => {
    const app = startWithChat();
    await openAtBottom(app);
    expect([...app.kittiwake.openChats]).toEqual(["c1"]);
    app.actions.go({ screen: "chats" });
    expect(app.kittiwake.openChats.size).toBe(0);
    expect(app.state().chat).toBeNull();
  });

  it("that is not on this device says so, and appears once it comes", async () => {
    const app = startWithChat();
    app.actions.go({ screen: "chat", conversationId: "c7" });
    await app.until((state) => expect(state.chat?.phase).toBe("missing"));
    app.kittiwake.addChat("c7", "Charles", "+447700900123");
    await app.until((state) => expect(state.chat?.phase).toBe("open"));
  });

  it("sends its draft, shows it at once and then its ticks", async () => {
    const app = startWithChat();
    await openAtBottom(app);
    app.actions.write("c1", "  hello\n");
    await app.actions.send("c1");
    expect(app.state().drafts).toEqual({});
    const sent = app.state().chat?.messages.at(-1);
    expect(sent).toMatchObject({ body: { text: "hello" }, status: "pending", seq: null });
    app.kittiwake.advance("c1", sent?.messageId ?? "", "delivered");
    await app.until((state) => expect(state.chat?.messages.at(-1)?.status).toBe("delivered"));
  });

  it("sends nothing when there is only white space", async () => {
    const app = startWithChat();
    app.actions.write("c1", " \n ");
    await app.actions.send("c1");
    expect(app.kittiwake.calls).toEqual([]);
  });

  it("gives the draft back when the message could not be stored", async () => {
    const app = startWithChat();
    app.kittiwake.refusals.set("send", new ProtocolError("busy"));
    app.actions.write("c1", "hello");
    await app.actions.send("c1");
    expect(app.state().drafts).toEqual({ c1: "hello" });
    expect(app.state().problem).toBe(new ProtocolError("busy").message);
    app.actions.dismissProblem();
    expect(app.state().problem).toBeNull();
  });

  it("retries and discards a failed message", async () => {
    const app = startWithChat();
    const { messageId } = await app.kittiwake.send("c1", "hello");
    app.kittiwake.advance("c1", messageId, "failed", "too large");
    await openAtBottom(app);
    expect(app.state().chat?.messages.at(-1)).toMatchObject({ status: "failed", failure: "too large" });
    await app.actions.retry("c1", messageId);
    await app.until((state) => expect(state.chat?.messages.at(-1)?.status).toBe("pending"));
    await app.actions.discard("c1", messageId);
    await app.until((state) => expect(texts(state.chat?.messages ?? []).at(-1)).toBe("message 10"));
  });

  it("loads older messages in pages and keeps them while scrolled up", async () => {
    const app = startWithChat();
    for (let index = 11; index <= 200; index++) app.kittiwake.receive("c1", `message ${index}`);
    await app.kittiwake.markRead("c1", 200);
    await openAtBottom(app);
    expect(app.state().chat?.messages).toHaveLength(60);
    app.actions.setAtBottom(false);
    await app.actions.loadOlder();
    expect(texts(app.state().chat?.messages ?? [])[0]).toBe("message 81");
    app.kittiwake.receive("c1", "message 201");
    await app.until((state) => expect(state.chat?.messages).toHaveLength(121));
    await app.actions.loadOlder();
    await app.actions.loadOlder();
    expect(app.state().chat).toMatchObject({ hasOlder: false, isLoadingOlder: false });
    expect(texts(app.state().chat?.messages ?? [])).toEqual(
      Array.from({ length: 201 }, (_, i) => `message ${i + 1}`),
    );
  });

  it("shows changes of ticks in older messages that are on screen", async () => {
    const app = startWithChat();
    const { messageId } = await app.kittiwake.send("c1", "mine");
    app.kittiwake.advance("c1", messageId, "sent");
    for (let index = 0; index < 100; index++) app.kittiwake.receive("c1", "later");
    await app.kittiwake.markRead("c1", 200);
    await openAtBottom(app);
    app.actions.setAtBottom(false);
    await app.actions.loadOlder();
    app.kittiwake.advance("c1", messageId, "read");
    await app.until((state) => {
      expect(state.chat?.messages.find((message) => message.messageId === messageId)?.status).toBe("read");
    });
  });
});

describe("drafts", () => {
  it("come back after a reload, each in its chat", () => {
    const first = startWithChat();
    first.actions.write("c1", "half a thought");
    first.actions.write("c2", "another");
    first.actions.write("c2", "");
    const second = startApp((kittiwake, platform) => {
      kittiwake.logIn(ada);
      for (const [key, text] of first.platform.storage.items) platform.storage.setItem(key, text);
      platform.storage.setItem("somebody.else", "not a draft");
    });
    expect(second.state().drafts).toEqual({ c1: "half a thought" });
  });
});
