import { describe, expect, it } from "vitest";
import { unseenAfter } from "../../../src/web/state/chat-window.ts";
import { type Harness, openAtBottom, startWithChat } from "./app-harness.ts";

const reads = (app: Harness): string[] => app.kittiwake.calls.filter((call) => call.startsWith("markRead"));
const settle = (app: Harness, text: string): Promise<void> =>
  app.until((state) => expect(state.chat?.messages.at(-1)?.body).toEqual({ type: "text", text }));

describe("reading [D6] [R1]", () => {
  it("marks what comes while the end is on screen and the page in front", async () => {
    const app = startWithChat();
    await openAtBottom(app);
    expect(reads(app)).toEqual([]);
    app.kittiwake.receive("c1", "hello");
    await app.until(() => expect(reads(app)).toEqual(["markRead c1 11"]));
  });

  it("waits for the page to come to the front", async () => {
    const app = startWithChat();
    await openAtBottom(app);
    app.platform.change({ isFront: false });
    app.kittiwake.receive("c1", "hello");
    await settle(app, "hello");
    expect(reads(app)).toEqual([]);
    expect(app.state().chat?.dividerSeq).toBe(11);
    app.platform.change({ isFront: true });
    expect(reads(app)).toEqual(["markRead c1 11"]);
  });

  it("waits for the reader to scroll to the end, and counts what is new until then", async () => {
    const app = startWithChat();
    await openAtBottom(app);
    app.actions.setAtBottom(false);
    app.kittiwake.receive("c1", "hello");
    app.kittiwake.receive("c1", "again");
    await settle(app, "again");
    const { chat } = app.state();
    expect(unseenAfter(chat?.messages ?? [], chat?.seenSeq ?? 0)).toHaveLength(2);
    expect(reads(app)).toEqual([]);
    app.actions.setAtBottom(true);
    expect(reads(app)).toEqual(["markRead c1 12"]);
  });

  it("says nothing about one's own messages and notices", async () => {
    const app = startWithChat();
    await openAtBottom(app);
    app.kittiwake.receive("c1", { type: "notice", notice: { type: "device_joined" } });
    const { messageId } = await app.kittiwake.send("c1", "mine");
    app.kittiwake.advance("c1", messageId, "sent");
    await app.until((state) => expect(state.chat?.seenSeq).toBe(12));
    expect(reads(app)).toEqual([]);
  });
});

describe("the unread divider", () => {
  it("stands above the oldest unread message, however far back it is", async () => {
    const app = startWithChat();
    for (let index = 11; index <= 150; index++) app.kittiwake.receive("c1", `message ${index}`);
    app.actions.go({ screen: "chat", conversationId: "c1" });
    await app.until((state) => expect(state.chat?.phase).toBe("open"));
    expect(app.state().chat).toMatchObject({ dividerSeq: 11, seenSeq: 10 });
  });

  it("stays where it is while more comes below it, and moves once everything was seen", async () => {
    const app = startWithChat();
    app.kittiwake.receive("c1", "hello");
    app.actions.go({ screen: "chat", conversationId: "c1" });
    await app.until((state) => expect(state.chat?.dividerSeq).toBe(11));
    app.kittiwake.receive("c1", "again");
    await settle(app, "again");
    expect(app.state().chat?.dividerSeq).toBe(11);
    app.actions.setAtBottom(true);
    app.actions.setAtBottom(false);
    app.kittiwake.receive("c1", "later");
    await settle(app, "later");
    expect(app.state().chat?.dividerSeq).toBe(13);
  });

  it("goes when the user answers", async () => {
    const app = startWithChat();
    app.kittiwake.receive("c1", "hello");
    await openAtBottom(app);
    expect(app.state().chat?.dividerSeq).toBe(11);
    app.actions.write("c1", "hi");
    await app.actions.send("c1");
    expect(app.state().chat?.dividerSeq).toBeNull();
  });

  it("and the count go when another device has read the chat", async () => {
    const app = startWithChat();
    await openAtBottom(app);
    app.actions.setAtBottom(false);
    app.kittiwake.receive("c1", "hello");
    await settle(app, "hello");
    await app.kittiwake.markRead("c1", 11);
    await app.until((state) => expect(state.chat?.seenSeq).toBe(11));
  });
});
