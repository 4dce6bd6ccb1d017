import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FakeSocket } from "./support/fake-sockets.ts";
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

const say = (text: string) => world.server.say(chat, bob.device, textEnvelope(text), strangerId());
/** In the log, delivered to nobody. */
function sayUnheard(text: string): number {
  const log = world.server.log(chat);
  const body = {
    message_id: strangerId(),
    epoch: log.epoch,
    base_seq: 0,
    silent: false,
    envelope: textEnvelope(text),
  };
  log.forge(bob.device, body, world.environment.nowMs);
  return log.head;
}
function acksOn(socket: FakeSocket): number[] {
  return socket.framesOf("ack").map((frame) => Number(frame.seq));
}
async function cursor(client: Client): Promise<number> {
  return (await client.store.get("conversations", [chat]))?.cursor.seq ?? -1;
}
const textsOf = (client: Client) => world.texts(client, chat);

describe("receiving", () => {
  it("[D1] acknowledges only after the entries are stored, on the socket that brought them", async () => {
    const socket = world.server.inboxSocket(alice.device);
    let heldAtAck = -1;
    const { onFrame } = socket;
    const stored: Promise<void>[] = [];
    socket.onFrame = (frame, from) => {
      if (frame.type === "ack") {
        stored.push(
          cursor(alice).then((seq) => {
            heldAtAck = seq;
          }),
        );
      }
      onFrame(frame, from);
    };
    const seq = say("one");
    await world.environment.until(() => stored.length > 0, "the ack");
    await Promise.all(stored);
    expect(heldAtAck).toBe(seq);
    expect(acksOn(socket)).toEqual([seq]);
  });

  it("[D1] acknowledges nothing that the store refused, and takes it when it comes again", async () => {
    const socket = world.server.inboxSocket(alice.device);
    const { apply } = alice.store;
    alice.store.apply = async () => {
      throw new Error("disk full");
    };
    const seq = say("one");
    await world.environment.advance(0);
    expect(acksOn(socket)).toEqual([]);
    alice.store.apply = apply;
    await world.environment.until(async () => (await cursor(alice)) === seq, "stored after all");
    expect(acksOn(socket).at(-1)).toBe(seq);
  });

  it("[D1] acknowledges again what it already has, and shows it once", async () => {
    const seq = say("one");
    await world.environment.until(async () => (await cursor(alice)) === seq, "stored");
    const socket = world.server.inboxSocket(alice.device);
    world.server.deliver(world.server.log(chat), seq);
    await world.environment.advance(0);
    expect(acksOn(socket)).toEqual([seq, seq]);
    expect(await textsOf(alice)).toEqual(["(notice)", "one"]);
  });

  it("[D3] fetches the gap before showing 8", async () => {
    const shown: string[][] = [];
    alice.app.subscribe((event) => {
      if (event.type === "messages") void textsOf(alice).then((texts) => shown.push(texts));
    });
    const missing = ["2", "3", "4", "5", "6", "7"];
    for (const text of missing) sayUnheard(text);
    say("8");
    await world.environment.until(async () => (await textsOf(alice)).includes("8"), "8 shows");
    expect(await textsOf(alice)).toEqual(["(notice)", ...missing, "8"]);
    for (const texts of shown) expect(texts).toEqual(["(notice)", ...missing, "8"].slice(0, texts.length));
    expect(acksOn(world.server.inboxSocket(alice.device))).toEqual([8]);
  });

  it("[D3] keeps the gap open while pages cannot be fetched, acknowledges nothing, and fills it later", async () => {
    sayUnheard("2");
    world.server.intercept = () => "busy";
    say("3");
    await world.environment.advance(3000);
    expect(await textsOf(alice)).toEqual(["(notice)"]);
    expect(acksOn(world.server.inboxSocket(alice.device))).toEqual([]);
    world.server.intercept = () => null;
    await world.environment.until(async () => (await cursor(alice)) === 3, "filled");
    expect(acksOn(world.server.inboxSocket(alice.device)).at(-1)).toBe(3);
  });

  it("[D1] acknowledges on no other socket than the one that brought the entries", async () => {
    const before = world.server.inboxSocket(alice.device);
    sayUnheard("2");
    let answer = () => {};
    const { fetch } = world.server;
    world.server.fetch = async (url, init) => {
      if (url.includes("/entries")) {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
      }
      return await fetch.call(world.server, url, init);
    };
    say("3");
    await world.environment.advance(10);
    before.close(4410);
    await world.environment.advance(100);
    const after = world.server.inboxSocket(alice.device);
    const { loses } = after;
    loses.add("entries");
    const acksBefore = acksOn(after).length;
    answer();
    world.server.fetch = fetch;
    await world.environment.until(async () => (await cursor(alice)) === 3, "filled");
    // The new socket's own backlog is acknowledged there, once; the old one's answer goes nowhere.
    expect(acksOn(before)).toEqual([]);
    expect(acksOn(after).length - acksBefore).toBeLessThanOrEqual(1);
  });

  it("[R1] a read mark set while entries are being taken is not lost", async () => {
    const first = say("2");
    await world.environment.advance(10);
    sayUnheard("3");
    // The first of the two is held already: comparing it is where the mark comes in between.
    const { get } = alice.store;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    alice.store.get = (async (table: "entries", key: [string]) => {
      if (table === "entries") await held;
      return await get.call(alice.store, table, key);
    }) as typeof alice.store.get;
    // The server's echo would bring the mark back.
    world.server.inboxSocket(alice.device).loses.add("receipts").add("read_confirmed");
    const { logId: log_id, entries } = world.server.log(chat);
    const frame = { type: "entries", conversation_id: chat, log_id, entries: entries.slice(1) };
    world.server.inboxSocket(alice.device).send(frame);
    await world.environment.advance(10);
    await alice.app.markRead(chat, first);
    release();
    await world.environment.until(async () => (await cursor(alice)) === 3, "taken");
    expect((await alice.store.get("conversations", [chat]))?.ownRead).toBe(first);
  });

  it.each([
    ["does not decode", "####"],
    ["is of an unknown type", Buffer.from('{"v":1,"type":"reaction"}').toString("base64")],
  ])("[D8] parks an entry that %s, acknowledges it, and shows later ones", async (_what, envelope) => {
    const id = strangerId();
    const log = world.server.log(chat);
    const sent = envelope === "####" ? Buffer.from([1, 2, 255]).toString("base64") : envelope;
    log.forge(
      bob.device,
      { message_id: id, epoch: log.epoch, base_seq: 0, silent: false, envelope: sent },
      0,
    );
    world.server.deliver(log, 2);
    say("later");
    await world.environment.until(async () => (await cursor(alice)) === 3, "both taken");
    expect(await textsOf(alice)).toEqual(["(notice)", "(parked)", "later"]);
    expect((await alice.store.get("entries", [chat, 2]))?.messageId).toBe(id);
  });

  it("[D8] parks an entry of a kind that is not known yet", async () => {
    const socket = world.server.inboxSocket(alice.device);
    const log = world.server.log(chat);
    const common = { sender: bob.device, sent_at: 5 };
    const poll = { kind: "poll", seq: 2, message_id: strangerId(), ...common, question: "?" };
    socket.send(
      { type: "entries", conversation_id: chat, log_id: log.logId, entries: [poll] },
      { type: "of the future" },
    );
    await world.environment.until(async () => (await cursor(alice)) === 2, "taken");
    expect(acksOn(socket)).toEqual([2]);
    expect(await textsOf(alice)).toEqual(["(notice)", "(parked)"]);
  });

  it("[D6] counts as unread what is after the read mark, not silent and not one's own", async () => {
    say("one");
    const log = world.server.log(chat);
    const silent = {
      message_id: strangerId(),
      epoch: 1,
      base_seq: 0,
      silent: true,
      envelope: textEnvelope("silent"),
    };
    log.forge(bob.device, silent, 0);
    world.server.deliver(log, 3);
    await alice.app.send(chat, "mine");
    await world.environment.until(async () => (await alice.store.all("outbox")).length === 0, "sent");
    const last = say("two");
    await world.environment.until(async () => (await cursor(alice)) === last, "all taken");
    expect((await alice.app.conversation(chat))?.unread).toBe(2);
    await alice.app.markRead(chat, 2);
    expect((await alice.app.conversation(chat))?.unread).toBe(1);
  });
});

describe("resuming", () => {
  it("[D4] takes what came while it was away, in order and once", async () => {
    world.server.isReachable = false;
    world.server.cutAll();
    await world.environment.advance(5000);
    for (const text of ["a", "b", "c", "d", "e"]) sayUnheard(text);
    world.server.isReachable = true;
    await world.environment.until(async () => (await cursor(alice)) === 6, "caught up");
    expect(await textsOf(alice)).toEqual(["(notice)", "a", "b", "c", "d", "e"]);
  });

  it("[L5] shows its position with the MAC when a chat's socket opens, and gets only what is new", async () => {
    const seq = say("one");
    await world.environment.until(async () => (await cursor(alice)) === seq, "stored");
    alice.app.openChat(chat);
    await world.environment.advance(10);
    const socket = world.server.open(alice.device).find((open) => open.conversationId === chat);
    expect(socket?.framesOf("hello")[0]?.position).toMatchObject({
      seq,
      log_id: world.server.log(chat).logId,
    });
  });

  it("[L5] after a restore: marks what the log lost, keeps it, and reads the new log once", async () => {
    for (const text of ["a", "b", "c"]) say(text);
    await world.environment.until(async () => (await cursor(alice)) === 4, "stored");
    world.server.log(chat).restore(2, "L2");
    sayUnheard("new b");
    say("new c");
    await world.environment.until(
      async () => (await textsOf(alice)).includes("new c"),
      "the new log is read",
    );
    expect(await textsOf(alice)).toEqual(["(notice)", "a", "b", "c", "(notice)", "new b", "new c"]);
    const notices = (await alice.app.messages(chat)).filter((message) => message.body.type === "notice");
    expect(notices.map((message) => message.body)).toEqual([
      { type: "notice", notice: { type: "founded" } },
      { type: "notice", notice: { type: "log_replaced" } },
    ]);
    say("and on");
    await world.environment.until(async () => (await textsOf(alice)).at(-1) === "and on", "goes on");
    const record = await alice.store.get("conversations", [chat]);
    expect(record).toMatchObject({ resync: null, logId: world.server.log(chat).logId, cursor: { seq: 5 } });
  });

  it("[L5] after a restore found by the chat's socket: the same", async () => {
    for (const text of ["a", "b", "c"]) say(text);
    await world.environment.until(async () => (await cursor(alice)) === 4, "stored");
    world.server.log(chat).restore(2, "L2");
    alice.app.openChat(chat);
    await world.environment.until(async () => (await textsOf(alice)).length === 5, "the notice shows");
    expect(await textsOf(alice)).toEqual(["(notice)", "a", "b", "c", "(notice)"]);
    expect(await cursor(alice)).toBe(2);
  });

  it("[L5] another message under a seq it holds makes it read the log anew, under the same log id too", async () => {
    for (const text of ["a", "b"]) say(text);
    await world.environment.until(async () => (await cursor(alice)) === 3, "stored");
    const log = world.server.log(chat);
    log.entries = log.entries.slice(0, 2);
    sayUnheard("other b");
    world.server.deliver(log, 3);
    say("c");
    await world.environment.until(async () => (await textsOf(alice)).includes("c"), "goes on");
    expect(await textsOf(alice)).toEqual(["(notice)", "a", "b", "(notice)", "other b", "c"]);
  });

  it("[L5] another Inbox store: every chat is compared once", async () => {
    world.server.storeId = "store-2";
    sayUnheard("lost by the Inbox");
    world.server.acked.set(`${alice.device.user_id}.${alice.device.device_id}|${chat}`, 99);
    world.server.cutAll();
    await world.environment.until(async () => (await cursor(alice)) === 2, "compared and fetched");
    const compared = () =>
      world.server.requests.filter((request) => request.path === `/conversations/${chat}`).length;
    await world.environment.advance(10_000);
    const before = compared();
    world.server.cutAll();
    await world.environment.advance(10_000);
    expect(compared()).toBe(before);
  });
});

describe("a conversation it does not know", () => {
  let second: Client;
  afterEach(() => second.app.close());

  it("a new device commits itself in and reads from its joining [F8]", async () => {
    say("before");
    await world.environment.until(async () => (await cursor(alice)) === 2, "stored");
    await bob.app.send(chat, "hello");
    await world.environment.advance(100);
    second = await world.register("+14155550001", "Alice");
    await world.environment.until(
      async () => (await second.app.conversations()).length === 1,
      "the chat is there",
    );
    say("after");
    await world.environment.until(async () => (await textsOf(second)).includes("after"), "reads");
    expect(await textsOf(second)).toEqual(["(notice)", "after"]);
    await world.environment.until(async () => (await textsOf(alice)).includes("after"), "the others too");
    expect(await textsOf(alice)).toEqual(["(notice)", "before", "hello", "(notice)", "after"]);
    // Bob's next message says who he is once more, so that the new device has a title to show.
    await bob.app.send(chat, "hello again");
    await world.environment.until(
      async () => (await second.app.conversations())[0]?.title === "Bob",
      "a title",
    );
  });
});

describe("a marked conversation", () => {
  const all = ["1", "2", "3", "4", "5", "6", "7", "8"];
  const said = async () => (await textsOf(alice)).filter((text) => !text.startsWith("("));
  function awayFor(texts: readonly string[]): number {
    world.server.cutAll();
    const head = texts.map(sayUnheard).at(-1) ?? 0;
    world.server.marked.add(chat);
    return head;
  }

  it("[F9] is read from the log in pages, and acknowledged on the socket that listed it", async () => {
    const head = awayFor(all);
    await world.environment.until(async () => (await cursor(alice)) === head, "reading up");
    await world.environment.until(() => world.server.marked.size === 0, "the mark to go");
    expect(await said()).toEqual(all);
    expect(acksOn(world.server.inboxSocket(alice.device))).toContain(head);
    say("live");
    await world.environment.until(async () => (await said()).length === 9, "the live one");
    expect(await said()).toEqual([...all, "live"]);
  });

  it("[F9] is acknowledged by polling too", async () => {
    world.server.blocksSockets = true;
    const head = awayFor(all);
    await world.environment.until(async () => (await cursor(alice)) === head, "reading up");
    await world.environment.until(() => world.server.marked.size === 0, "the mark to go");
    expect(await said()).toEqual(all);
    expect(world.server.open()).toEqual([]);
  });

  it("[F9] that cannot be read now is read later, from where it came to", async () => {
    let pages = 0;
    world.server.intercept = (method, path) => {
      const isPage = method === "GET" && path.endsWith("/entries");
      if (isPage) pages += 1;
      return isPage && pages % 2 === 0 ? "rate_limited" : null;
    };
    const head = awayFor(all);
    await world.environment.until(async () => (await cursor(alice)) === head, "reading up");
    expect(await said()).toEqual(all);
    await world.environment.until(() => world.server.marked.size === 0, "the mark to go");
  });

  it("of which there is nothing for this device is acknowledged, so that it is not listed for ever", async () => {
    const foreign = "F".repeat(43);
    const acked: unknown[] = [];
    world.server.marked.add(foreign);
    world.server.onSocket = (socket) => {
      const { onFrame } = socket;
      socket.onFrame = (frame, from) => {
        if (frame.type === "ack" && frame.conversation_id === foreign) acked.push(frame.seq);
        onFrame(frame, from);
      };
    };
    world.server.cutAll();
    await world.environment.until(() => acked.length > 0, "the ack");
    expect(acked[0]).toBe(1);
  });
});

describe("a frame that came too soon after others", () => {
  it("[F9] is said again later", async () => {
    const socket = world.server.inboxSocket(alice.device);
    const { onFrame } = socket;
    let refusals = 1;
    socket.onFrame = (frame, from) => {
      if (frame.type === "ack" && refusals > 0) {
        refusals -= 1;
        const error = { code: "rate_limited", message: "Too many", retry_after_ms: 100 };
        return socket.send({ type: "error", conversation_id: chat, ...error });
      }
      return onFrame(frame, from);
    };
    const seq = say("one");
    const key = `${alice.device.user_id}.${alice.device.device_id}|${chat}`;
    await world.environment.until(() => world.server.acked.get(key) === seq, "the ack after all");
  });
});
