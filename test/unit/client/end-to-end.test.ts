import { afterEach, describe, expect, it } from "vitest";
import { World } from "./support/world.ts";

describe("two people", () => {
  const world = { current: new World() };
  afterEach(async () => {
    await world.current.close();
    world.current = new World();
  });

  it("register, find each other, write, and see ticks rise to read", async () => {
    const { environment } = world.current;
    const { alice, bob, chat } = await world.current.pair();
    const sent = await alice.app.send(chat, "Hello Bob");
    expect(sent.status).toBe("pending");
    await environment.until(
      async () => (await world.current.texts(bob, chat)).includes("Hello Bob"),
      "arrives",
    );
    const [summary] = await bob.app.conversations();
    expect(summary).toMatchObject({ title: "Alice", unread: 1, peerPhone: "+14155550001" });
    const status = async () => (await alice.app.messages(chat)).at(-1)?.status;
    await environment.until(async () => (await status()) === "delivered", "two ticks");
    const seq = (await bob.app.messages(chat)).at(-1)?.seq ?? 0;
    await bob.app.markRead(chat, seq);
    await environment.until(async () => (await status()) === "read", "blue ticks");
    expect((await bob.app.conversations())[0]?.unread).toBe(0);
    await bob.app.send(chat, "Hello Alice");
    await environment.until(
      async () => (await alice.app.conversations())[0]?.title === "Bob",
      "learns the name",
    );
  });

  it("[E7] what a stranger starts is a request, until it is answered", async () => {
    const { environment } = world.current;
    const { alice, bob, chat } = await world.current.pair();
    await alice.app.send(chat, "You do not know me");
    await environment.until(async () => (await bob.app.conversation(chat))?.isRequest === true, "a request");
    expect((await alice.app.conversation(chat))?.isRequest).toBe(false);
    await bob.app.send(chat, "Now I do");
    await environment.until(async () => (await bob.app.conversation(chat))?.isRequest === false, "accepted");
  });

  it("use the chat's socket while it is on screen", async () => {
    const { environment, server } = world.current;
    const { alice, bob, chat } = await world.current.pair();
    const close = alice.app.openChat(chat);
    await environment.until(
      () => server.open(alice.device).some((socket) => socket.isLive && socket.conversationId === chat),
      "chat socket",
    );
    await alice.app.send(chat, "on the chat's socket");
    await environment.until(async () => (await world.current.texts(bob, chat)).length === 2, "arrives");
    const socket = server.open(alice.device).find((candidate) => candidate.conversationId === chat);
    expect(socket?.framesOf("send")).toHaveLength(1);
    close();
    await environment.advance(10);
    expect(server.open(alice.device).map((open) => open.conversationId)).toEqual([null]);
  });
});
