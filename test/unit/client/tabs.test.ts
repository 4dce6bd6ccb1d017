import { beforeEach, describe, expect, it } from "vitest";
import type { Kittiwake } from "../../../src/client/contract.ts";
import type { Store } from "../../../src/client/store/store.ts";
import { FakeBrowser } from "./support/fake-tabs.ts";
import { alicePhone, bobPhone, type Client, strangerId, textEnvelope, World } from "./support/world.ts";

let world: World;
let browser: FakeBrowser;
let first: Client;
let second: Kittiwake;
let bob: Client;
let chat: string;

/** Both tabs use one store; closing a tab does not close it for the other. */
function shared(store: Store): Store {
  const view = Object.create(store) as Store;
  for (const method of ["get", "range", "all", "countUnread", "apply", "wipe"] as const) {
    Object.assign(view, { [method]: store[method].bind(store) });
  }
  return Object.assign(view, { close: async () => {} });
}

beforeEach(async () => {
  world = new World();
  browser = new FakeBrowser();
  first = await world.register(alicePhone, "Alice", browser.tab());
  const { store } = first;
  second = await world.open(shared(store), browser.tab());
  bob = await world.register(bobPhone, "Bob");
  chat = await first.app.startChat(bobPhone);
  await world.environment.advance(100);
  return () => world.close();
});

const sockets = () => world.server.open(first.device);
const texts = async (app: Kittiwake) =>
  (await app.messages(chat)).flatMap((message) => (message.body.type === "text" ? [message.body.text] : []));
/** As when a tab is closed: no goodbye beyond the lock. */
async function goneFirst(): Promise<void> {
  first.store.close = async () => {};
  await first.app.close();
}

describe("two tabs of one browser", () => {
  it("are one device: one connects, the other follows and says so", () => {
    expect(sockets()).toHaveLength(1);
    expect(first.app.connection.status).toBe("live");
    expect(second.connection).toEqual({ status: "following", leader: "live" });
    expect(second.session?.userId).toBe(first.device.user_id);
  });

  it("a follower hears of what the leader receives", async () => {
    const events: string[] = [];
    second.subscribe((event) => events.push(event.type));
    world.server.say(chat, bob.device, textEnvelope("hello"), strangerId());
    await world.environment.advance(100);
    expect(events).toContain("messages");
    expect(events).toContain("conversations");
    expect(await texts(second)).toEqual(["hello"]);
  });

  it("a follower can do what a user can", async () => {
    const sent = await second.send(chat, "from the second tab");
    expect(await texts(first.app)).toEqual(["from the second tab"]);
    await world.environment.until(async () => (await texts(bob.app)).length === 1, "arrives");
    expect((await second.messages(chat)).at(-1)?.messageId).toBe(sent.messageId);
    const seq = world.server.say(chat, bob.device, textEnvelope("hello"), strangerId());
    await world.environment.advance(100);
    await second.markRead(chat, seq);
    expect((await first.app.conversation(chat))?.unread).toBe(0);
    expect(await second.startChat(bobPhone)).toBe(chat);
    await expect(second.startChat("+14155559999")).rejects.toMatchObject({ code: "unknown_user" });
    expect(await second.poll(0)).toBe(true);
  });

  it("a chat on a follower's screen has its socket, until it is closed or the tab is gone", async () => {
    const close = second.openChat(chat);
    await world.environment.advance(100);
    expect(sockets().map((socket) => socket.conversationId)).toEqual([null, chat]);
    close();
    await world.environment.advance(100);
    expect(sockets().map((socket) => socket.conversationId)).toEqual([null]);
    second.openChat(chat);
    await world.environment.advance(5 * 60_000);
    expect(sockets()).toHaveLength(2);
  });

  it("a follower takes over when the leader goes, with its chats on screen, and what was asked of the leader", async () => {
    second.openChat(chat);
    await world.environment.advance(100);
    // The leader goes in the middle of it: the call is still on its way.
    const sending = second.send(chat, "in between");
    await goneFirst();
    await sending;
    await world.live(second);
    await world.environment.until(async () => (await texts(bob.app)).length === 1, "arrives");
    expect(await texts(bob.app)).toEqual(["in between"]);
    await world.environment.until(
      () => sockets().some((socket) => socket.conversationId === chat),
      "chat socket",
    );
    await second.send(chat, "and on");
    await world.environment.until(async () => (await texts(bob.app)).length === 2, "arrives");
  });

  it("a call repeated to a new leader stores a message once", async () => {
    const { messageId } = await second.send(chat, "once");
    await world.environment.until(async () => (await texts(bob.app)).length === 1, "arrives");
    await second.send(chat, "twice");
    await world.environment.until(async () => (await texts(bob.app)).length === 2, "arrives");
    expect((await second.messages(chat)).filter((message) => message.messageId === messageId)).toHaveLength(
      1,
    );
    expect(await texts(bob.app)).toEqual(["once", "twice"]);
  });

  it("[L3] a call that comes once more after its message has left the outbox writes nothing", async () => {
    const { messageId } = await second.send(chat, "once");
    const isSent = async () => (await first.store.all("outbox")).length === 0;
    await world.environment.until(isSent, "in the log");
    const values = [chat, messageId, "once"];
    browser
      .tab()
      .join(() => {})
      .post({ type: "call", id: "again", method: "write", values, isRepeat: true });
    await world.environment.advance(1_000);
    const sent = sockets().flatMap((socket) => socket.framesOf("send"));
    expect(sent.filter((frame) => frame.message_id === messageId)).toHaveLength(1);
    expect(await first.store.all("outbox")).toEqual([]);
  });

  it("logging out in one logs out the other, and in again too", async () => {
    await second.logOut();
    await world.environment.advance(100);
    expect(first.app.session).toBeNull();
    expect(second.session).toBeNull();
    expect(second.connection).toEqual({ status: "signed_out" });
    expect(sockets()).toEqual([]);
    await second.verify({ phone: alicePhone, code: "123456", deviceName: "d", name: "Alice" });
    await world.environment.advance(5000);
    expect(first.app.session?.userId).toBe(first.device.user_id);
    const states = [first.app.connection.status, second.connection.status].sort();
    expect(states).toEqual(["following", "live"]);
  });
});
