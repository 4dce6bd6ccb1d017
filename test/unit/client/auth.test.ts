import { beforeEach, describe, expect, it } from "vitest";
import { getValue } from "../../../src/client/store/store.ts";
import { alicePhone, bobPhone, type Client, strangerId, textEnvelope, World } from "./support/world.ts";

let world: World;
let alice: Client;
let bob: Client;
let chat: string;
beforeEach(async () => {
  world = new World();
  ({ alice, bob, chat } = await world.pair());
  return () => world.close();
});

const requests = (path: string) => world.server.requests.filter((request) => request.path === path);
const logIn = (client: Client, phone: string) =>
  client.app.verify({ phone, code: "123456", deviceName: "again", name: "Again" });

describe("the log-in", () => {
  it("rejects a wrong code with the error's own sentence", async () => {
    const wrong = alice.app.verify({ phone: alicePhone, code: "000000", deviceName: "d", name: "n" });
    await expect(wrong).rejects.toThrow("The code is wrong. Check it and try again.");
  });

  it("says in a sentence that the server cannot be reached", async () => {
    world.server.isReachable = false;
    await expect(alice.app.requestCode(alicePhone)).rejects.toThrow("The server cannot be reached");
  });

  it("verifies again from the same installation under the same id", async () => {
    await logIn(alice, alicePhone);
    const ids = requests("/auth/verify").map(
      (request) => (request.body as { installation_id: string }).installation_id,
    );
    expect(ids[2]).toBe(ids[0]);
    expect(ids[1]).not.toBe(ids[0]);
  });

  it("refreshes once for any number of requests that need it", async () => {
    world.server.expireTokens();
    const before = requests("/auth/refresh").length;
    const chats = [
      alice.app.startChat(bobPhone),
      alice.app.startChat(bobPhone),
      alice.app.startChat(bobPhone),
    ];
    expect(await Promise.all(chats)).toEqual([chat, chat, chat]);
    expect(requests("/auth/refresh").length - before).toBe(1);
  });

  it("refreshes shortly before the token expires, without being turned down first", async () => {
    await world.environment.advance(14 * 60_000 + 30_000);
    world.server.expireTokens();
    let refusals = 0;
    world.server.intercept = () => null;
    await alice.app.startChat(bobPhone);
    for (const request of world.server.requests.slice(-10))
      if (request.path === "/auth/refresh") refusals += 1;
    expect(refusals).toBe(1);
  });

  it("does not take a token for expired because the device's clock is ahead", async () => {
    const before = requests("/auth/refresh").length;
    // The server's clock stays far behind.
    world.server.nowMs -= 24 * 60 * 60_000;
    await logIn(alice, alicePhone);
    await alice.app.startChat(bobPhone);
    expect(requests("/auth/refresh").length).toBe(before);
  });

  it("a refused refresh signs out and keeps the data for when the user is back", async () => {
    world.server.say(chat, bob.device, textEnvelope("kept"), strangerId());
    await world.environment.advance(100);
    world.server.intercept = (_method, path) => (path === "/auth/refresh" ? "unauthorized" : null);
    world.server.expireTokens();
    world.server.inboxSocket(alice.device).close(4401);
    await world.environment.until(() => alice.app.session === null, "signed out");
    expect(alice.app.connection).toEqual({ status: "signed_out" });
    expect(await alice.store.get("conversations", [chat])).not.toBeNull();
    world.server.intercept = () => null;
    const { userId } = await logIn(alice, alicePhone);
    expect(userId).toBe(alice.device.user_id);
    expect(await world.texts(alice, chat)).toContain("kept");
  });

  it("the same user's new device joins its chats anew, and leaves to the user what the old one had not sent [L3]", async () => {
    world.server.isReachable = false;
    for (const socket of world.server.open(alice.device)) socket.close(1006);
    await alice.app.send(chat, "unsent");
    world.server.isReachable = true;
    world.server.intercept = (_method, path) => (path === "/auth/refresh" ? "unauthorized" : null);
    world.server.expireTokens();
    await world.environment.until(() => alice.app.session === null, "signed out");
    world.server.intercept = () => null;
    await logIn(alice, alicePhone);
    expect((await alice.app.messages(chat)).at(-1)).toMatchObject({
      status: "failed",
      body: { text: "unsent" },
    });
    await world.environment.until(
      () => world.server.log(chat).roster.has(`${alice.device.user_id}.2`),
      "joined",
    );
    const { messageId } = (await alice.app.messages(chat)).at(-1) ?? { messageId: "" };
    await world.environment.advance(1000);
    await alice.app.retry(chat, messageId);
    await world.environment.until(async () => (await alice.store.all("outbox")).length === 0, "sent");
    expect(world.server.log(chat).entries.some((entry) => entry.message_id === messageId)).toBe(false);
    expect((await world.texts(bob, chat)).at(-1)).toBe("unsent");
  });

  it("another user's log-in finds nothing of the one before", async () => {
    await logIn(alice, "+14155550009");
    expect(await alice.app.conversations()).toEqual([]);
    expect(await alice.store.get("conversations", [chat])).toBeNull();
    expect(await alice.store.range("messages", { conversationId: chat })).toEqual([]);
  });
});

describe("leaving", () => {
  const isEmpty = async () =>
    (await alice.store.all("conversations")).length === 0 &&
    (await alice.store.range("messages", { conversationId: chat })).length === 0 &&
    (await getValue(alice.store, "session")) === null;

  it("logging out revokes the device and wipes its store", async () => {
    await alice.app.logOut();
    expect(requests("/auth/logout")).toHaveLength(1);
    expect(await isEmpty()).toBe(true);
    expect(await getValue(alice.store, "pending_logout")).toBeNull();
    expect(alice.app.session).toBeNull();
    expect(world.server.open(alice.device)).toEqual([]);
  });

  it("logging out works without a network: the store goes first, the server hears of it the next time", async () => {
    world.server.isReachable = false;
    await alice.app.logOut();
    expect(await isEmpty()).toBe(true);
    expect(alice.app.connection).toEqual({ status: "signed_out" });
    world.server.isReachable = true;
    world.server.expireTokens();
    alice.app.wake();
    await world.environment.advance(100);
    expect(requests("/auth/logout").length).toBeGreaterThan(0);
    expect(await getValue(alice.store, "pending_logout")).toBeNull();
  });

  it("a revoked device is wiped, whether it hears it on the socket or on HTTP", async () => {
    world.server.revoke(alice.device);
    await world.environment.advance(100);
    expect(await isEmpty()).toBe(true);
    expect(alice.app.connection).toEqual({ status: "stopped", reason: "revoked" });
    await expect(bob.app.startChat(alicePhone)).resolves.toBe(chat);
    world.server.intercept = () => "revoked";
    await expect(bob.app.startChat(alicePhone)).rejects.toThrow("This device was logged out");
    await world.environment.advance(10);
    expect(await bob.store.all("conversations")).toEqual([]);
  });

  it("leaves no timer behind when closed", async () => {
    alice.app.openChat(chat);
    await world.environment.advance(1000);
    await world.close();
    await world.environment.advance(0);
    expect(world.environment.timerCount).toBe(0);
  });
});

describe("starting a chat", () => {
  it("refuses one's own number with a sentence, and an unknown one", async () => {
    await expect(alice.app.startChat(alicePhone)).rejects.toThrow("This is your own number");
    await expect(alice.app.startChat("+14155559999")).rejects.toThrow("Nobody with this number is here yet.");
  });

  it("founds it once when both start it at the same time (E15)", async () => {
    const carol = await world.register("+14155550003", "Carol");
    const dave = await world.register("+14155550004", "Dave");
    const [one, other] = await Promise.all([
      carol.app.startChat("+14155550004"),
      dave.app.startChat("+14155550003"),
    ]);
    expect(one).toBe(other);
    const commits = world.server.log(one).entries.filter((entry) => entry.kind === "commit");
    expect(commits).toHaveLength(1);
    await carol.app.send(one, "hi");
    await dave.app.send(one, "hey");
    await world.environment.until(
      async () => (await carol.app.conversations())[0]?.title === "Dave",
      "names",
    );
    await world.environment.until(
      async () => (await dave.app.conversations())[0]?.title === "Carol",
      "names",
    );
  });

  it("shows the number that was looked up, not the one the other side claims", async () => {
    const own = await getValue(bob.store, "own_profile");
    const profile = { key: Buffer.from(own?.key ?? []).toString("base64"), phone: "+18005550000" };
    const claim = { v: 1, type: "text", text: "hi", profile };
    const content = Buffer.from(JSON.stringify(claim)).toString("base64");
    world.server.say(chat, bob.device, content, strangerId());
    await world.environment.until(
      async () => (await alice.app.conversation(chat))?.title === "Bob",
      "the name",
    );
    expect((await alice.app.conversation(chat))?.peerPhone).toBe(bobPhone);
  });
});
