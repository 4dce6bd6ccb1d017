import { beforeEach, describe, expect, it } from "vitest";
import type { ConnectionState } from "../../../src/client/contract.ts";
import { limits } from "../../../src/protocol/limits.ts";
import { type Client, strangerId, textEnvelope, World } from "./support/world.ts";

let world: World;
let alice: Client;
let bob: Client;
let chat: string;
beforeEach(async () => {
  world = new World();
  ({ alice, bob, chat } = await world.pair());
  return () => world.close();
});

const inbox = () => world.server.inboxSocket(alice.device);
const opened = () =>
  world.server.sockets.filter((socket) => socket.device.user_id === alice.device.user_id).length;
function statesOf(client: Client): ConnectionState["status"][] {
  const seen: ConnectionState["status"][] = [];
  client.app.subscribe((event) => {
    if (event.type === "connection") seen.push(event.state.status);
  });
  return seen;
}

describe("the heartbeat", () => {
  it("[P1] pings every 30 s whatever else is sent", async () => {
    const socket = inbox();
    let pings = 0;
    const { send } = { send: socket.handlers.received };
    socket.handlers.received = (text) => {
      if (text === "pong") pings += 1;
      send(text);
    };
    for (let second = 0; second < 95; second += 1) {
      await alice.app.send(chat, "chatty");
      await world.environment.advance(1000);
    }
    expect(pings).toBe(3);
    expect(inbox()).toBe(socket);
  });

  it("[F7] a half-open socket is given up 10 s after the ping, and everything comes on the next", async () => {
    const socket = inbox();
    socket.answersPing = false;
    // Whatever is sent to it is lost.
    socket.handlers.received = () => {};
    await world.environment.advance(limits.pingIntervalMs - 1000);
    world.server.say(chat, bob.device, textEnvelope("lost on the dead socket"), strangerId());
    await world.environment.until(
      async () => (await world.texts(alice, chat)).length === 2,
      "comes after all",
    );
    expect(socket.isOpen).toBe(false);
  });

  it("a wake in the foreground asks the socket at once whether it lives", async () => {
    inbox().answersPing = false;
    inbox().handlers.received = () => {};
    const before = opened();
    alice.app.wake();
    await world.environment.advance(limits.pongTimeoutMs + limits.backoffBaseMs + 100);
    expect(opened()).toBe(before + 1);
  });
});

describe("reconnecting", () => {
  it("[F11] a cut that mends within the grace period is never shown", async () => {
    const seen = statesOf(alice);
    world.server.cutAll(1012);
    await world.environment.advance(limits.offlineGraceMs + 1000);
    expect(alice.app.connection.status).toBe("live");
    expect(seen).toEqual([]);
  });

  it("[F11] a longer one is shown, and that it is over", async () => {
    const seen = statesOf(alice);
    world.server.isReachable = false;
    world.server.cutAll();
    await world.environment.advance(limits.offlineGraceMs - 100);
    expect(seen).toEqual([]);
    await world.environment.advance(60_000);
    expect(seen[0]).not.toBe("live");
    world.server.isReachable = true;
    alice.app.wake();
    await world.live(alice.app);
    expect(seen.at(-1)).toBe("live");
  });

  it("[F6] a close with 'resume' is followed at once", async () => {
    const before = opened();
    inbox().close(4410);
    await world.environment.advance(0);
    expect(opened()).toBe(before + 1);
  });

  it("an expired token is refreshed once, and the connection goes on", async () => {
    world.server.expireTokens();
    inbox().close(4401);
    await world.environment.advance(1000);
    expect(inbox().isLive).toBe(true);
    const refreshes = () =>
      world.server.requests.filter((request) => request.path === "/auth/refresh").length;
    // Alice's alone: Bob's socket was not closed.
    expect(refreshes()).toBe(1);
  });

  it("[D5] a replaced connection stays away until the user comes back to it", async () => {
    inbox().close(4409);
    await world.environment.advance(10 * 60_000);
    expect(alice.app.connection).toEqual({ status: "stopped", reason: "replaced" });
    alice.app.wake();
    await world.live(alice.app);
  });

  it("does not hammer a server that closes every socket at once", async () => {
    world.server.onSocket = (socket) => socket.close(4410);
    const before = opened();
    world.server.cutAll();
    await world.environment.advance(60_000);
    expect(opened() - before).toBeLessThan(20);
  });
});

describe("[R3] read marks", () => {
  it("are repeated on every new connection until they are confirmed, and then no more", async () => {
    const seq = world.server.say(chat, bob.device, textEnvelope("read me"), strangerId());
    await world.environment.advance(10);
    inbox().loses.add("read_confirmed").add("receipts");
    await alice.app.markRead(chat, seq);
    await world.environment.advance(limits.readRepeatMs + 1000);
    expect(
      inbox()
        .framesOf("read")
        .map((frame) => frame.seq),
    ).toEqual([seq, seq]);
    inbox().close(1006);
    await world.environment.advance(10_000);
    expect(inbox().framesOf("read")).toHaveLength(1);
    inbox().close(1006);
    await world.environment.advance(10_000);
    expect(inbox().framesOf("read")).toHaveLength(0);
  });

  it("[L8] nothing is said when only one's own messages were seen", async () => {
    await alice.app.send(chat, "mine");
    await world.environment.advance(100);
    await alice.app.markRead(chat, 2);
    await world.environment.advance(10);
    expect(inbox().framesOf("read")).toEqual([]);
  });

  it("[R1] never fall, whatever order receipts come in, and read implies delivered", async () => {
    const { messageId } = await alice.app.send(chat, "ticks");
    await world.environment.advance(100);
    const status = async () =>
      (await alice.app.messages(chat)).find((message) => message.messageId === messageId)?.status;
    const say = async (delivered: number, read: number) => {
      const receipts = [{ user_id: bob.device.user_id, delivered, read }];
      inbox().send({ type: "receipts", conversation_id: chat, receipts });
      await world.environment.advance(10);
    };
    await say(0, 2);
    expect(await status()).toBe("read");
    await say(1, 0);
    expect(await status()).toBe("read");
  });
});

describe("where sockets are blocked", () => {
  beforeEach(async () => {
    world.server.blocksSockets = true;
    world.server.cutAll();
    await world.environment.until(
      () => world.server.requests.some((request) => request.path === "/inbox/poll"),
      "polls",
    );
  });

  it("receives and acknowledges by polling, with the same cursors", async () => {
    const log = world.server.log(chat);
    for (const text of ["a", "b"]) {
      const body = {
        message_id: strangerId(),
        epoch: 1,
        base_seq: 1,
        silent: false,
        envelope: textEnvelope(text),
      };
      log.forge(bob.device, body, 0);
    }
    await world.environment.until(async () => (await world.texts(alice, chat)).length === 3, "polled");
    const key = `${alice.device.user_id}.${alice.device.device_id}|${chat}`;
    await world.environment.until(() => world.server.acked.get(key) === 3, "acknowledged");
    expect(alice.app.connection.status).toBe("live");
  });

  it("shows ticks in the chat on screen", async () => {
    alice.app.openChat(chat);
    await alice.app.send(chat, "ticks");
    await world.environment.until(
      async () => (await alice.app.messages(chat)).at(-1)?.status === "delivered",
      "ticks",
    );
  });

  it("sends by HTTP, one at a time and in order, and marks read", async () => {
    for (const text of ["1", "2", "3"]) await alice.app.send(chat, text);
    await world.environment.until(async () => (await alice.store.all("outbox")).length === 0, "sent");
    const sent = world.server
      .log(chat)
      .entries.slice(1)
      .map((entry) => entry.seq);
    expect(sent).toEqual([2, 3, 4]);
    expect((await world.texts(alice, chat)).slice(1)).toEqual(["1", "2", "3"]);
    world.server.say(chat, bob.device, textEnvelope("b"), strangerId());
    await world.environment.until(async () => (await world.texts(alice, chat)).length === 5, "received");
    await alice.app.markRead(chat, 5);
    await world.environment.until(() => world.server.log(chat).read.get(alice.device.user_id) === 5, "read");
  });

  it("[E3] mends a stale epoch by HTTP too", async () => {
    const log = world.server.log(chat);
    const added = { user_id: bob.device.user_id, device_id: 9 };
    const commit = {
      message_id: strangerId(),
      epoch: 1,
      base_seq: 1,
      silent: false,
      envelope: textEnvelope("x"),
    };
    log.forge(bob.device, { ...commit, roster_change: { add: [added], remove: [] } }, 0);
    await alice.app.send(chat, "over HTTP");
    await world.environment.until(async () => (await alice.store.all("outbox")).length === 0, "sent");
    expect(log.entries.at(-1)).toMatchObject({ kind: "message", epoch: 2 });
  });

  it("goes back to the socket once it opens again, and stops polling", async () => {
    world.server.blocksSockets = false;
    await world.environment.until(
      () => world.server.open(alice.device).some((socket) => socket.isLive),
      "a socket",
    );
    await world.environment.advance(1000);
    const polls = () => world.server.requests.filter((request) => request.path === "/inbox/poll").length;
    const before = polls();
    await world.environment.advance(5 * 60_000);
    // Bob may still have been polling when Alice was not any more.
    expect(polls() - before).toBeLessThan(5);
  });
});
