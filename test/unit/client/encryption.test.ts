/** What the client does around the keys: log-in, repairs, forks, crashes between two steps. On an engine without cryptography. */
import { base64 } from "@scure/base";
import { beforeEach, describe, expect, it } from "vitest";
import { openSqliteStore } from "../../../src/client/store/sqlite.ts";
import type { Store } from "../../../src/client/store/store.ts";
import { deviceKey } from "../../../src/protocol/ids.ts";
import { limits } from "../../../src/protocol/limits.ts";
import { type PlainInfo, plainMessage, readPlain } from "../../support/plain-crypto.ts";
import { alicePhone, bobPhone, type Client, strangerId, textEnvelope, World } from "./support/world.ts";

let world: World;
beforeEach(() => {
  world = new World();
  return () => world.close();
});

const until = (holds: () => boolean | Promise<boolean>, what: string) => world.environment.until(holds, what);
const sees = (client: Client, chat: string, text: string) =>
  until(async () => (await world.texts(client, chat)).includes(text), `sees ${text}`);
const isSent = (client: Client) =>
  until(async () => (await client.store.all("outbox")).length === 0, "everything is sent");
async function notices(client: Client, chat: string): Promise<string[]> {
  const found = await client.app.messages(chat);
  return found.flatMap(({ body }) => (body.type === "notice" ? [body.notice.type] : []));
}
async function counts(client: Client): Promise<Record<string, number>> {
  return await client.app.diagnostics();
}
/** The same device, started again on the same store. */
async function restart(client: Client): Promise<Client> {
  client.store.close = async () => {};
  await client.app.close();
  const app = await world.open(client.store);
  return { ...client, app };
}

describe("the log-in", () => {
  const puts = () =>
    world.server.requests.filter((it) => it.method === "PUT" && it.path === "/account/key-packages");

  it("[E6] has the key packages at the server before anybody hears of it", async () => {
    const store = await openSqliteStore(":memory:");
    const app = await world.open(store);
    let heldAtSession = -1;
    app.subscribe((event) => {
      if (event.type !== "session" || app.session === null) return;
      const device = { user_id: app.session.userId, device_id: app.session.deviceId };
      heldAtSession = world.server.accounts.packages.get(deviceKey(device))?.length ?? 0;
    });
    await app.verify({ phone: alicePhone, code: "123456", deviceName: "test", name: "Alice" });
    expect(heldAtSession).toBe(2 * (limits.keyPackagesPerUploadOfOneTime + 1));
  });

  it("[E6] [E8] a crash between making and offering them: the next start offers those, each once", async () => {
    const store = await openSqliteStore(":memory:");
    const app = await world.open(store);
    world.server.intercept = (method, path) =>
      method === "GET" && path === "/account/key-packages" ? null : path === "/auth/verify" ? null : null;
    const { apply } = store;
    let isCrashed = false;
    store.apply = async (changes) => {
      if (isCrashed) throw new Error("crashed");
      await apply.call(store, changes);
      if (changes.some((change) => change.table === "keyPackages")) isCrashed = true;
    };
    const request = { phone: alicePhone, code: "123456", deviceName: "test", name: "Alice" };
    // The log-in counts all the same; nothing of what follows gets into the store of a device that crashed.
    await app.verify(request);
    expect(puts()).toHaveLength(0);
    const made = (await store.all("keyPackages")).map((own) => own.ref);
    store.apply = apply;
    store.close = async () => {};
    await app.close();
    const again = await world.open(store);
    await world.live(again);
    await until(() => puts().length >= 2, "offered");
    const offered = [...world.server.accounts.packages.values()].flat().map(({ package: text }) => text);
    expect(new Set(offered).size).toBe(offered.length);
    const refs = offered.map((text) => readPlain<{ ref: string }>(base64.decode(text)).ref);
    expect(refs).toEqual(expect.arrayContaining(made));
  });

  it("[E6] offers no package twice, whatever becomes of the answer to an upload", async () => {
    const store = await openSqliteStore(":memory:");
    const app = await world.open(store);
    const { fetch } = world.server;
    world.server.fetch = async (url, init) => {
      const answer = await fetch.call(world.server, url, init);
      if (init.method === "PUT" && url.endsWith("/account/key-packages")) throw new TypeError("lost");
      return answer;
    };
    const request = { phone: alicePhone, code: "123456", deviceName: "test", name: "Alice" };
    // The log-in goes on without an answer, and the next start fills up.
    await app.verify(request);
    world.server.fetch = fetch;
    store.close = async () => {};
    await app.close();
    await world.live(await world.open(store));
    const held = () => [...world.server.accounts.packages.values()].flat().length;
    await until(() => held() >= 2 * (limits.keyPackagesPerUploadOfOneTime + 1), "filled");
    await world.environment.advance(60_000);
    const offered = puts().flatMap(({ body }) => (body as { packages: { package: string }[] }).packages);
    expect(new Set(offered.map((it) => it.package)).size).toBe(offered.length);
  });

  it("[E6] fills up when the server says that few are left", async () => {
    const alice = await world.register(alicePhone, "Alice");
    world.server.accounts.packages.set(deviceKey(alice.device), []);
    world.server.inboxSocket(alice.device).send({ type: "keys_low" });
    await until(
      () => (world.server.accounts.packages.get(deviceKey(alice.device))?.length ?? 0) > 40,
      "filled",
    );
  });

  it("[E6] joined by a last-resort package: commits at once, and the next one is another", async () => {
    const alice = await world.register(alicePhone, "Alice");
    const bob = await world.register(bobPhone, "Bob");
    const key = deviceKey(bob.device);
    const left = (world.server.accounts.packages.get(key) ?? []).filter((it) => it.last_resort);
    world.server.accounts.packages.set(key, left);
    const chat = await alice.app.startChat(bobPhone);
    await until(() => world.server.log(chat).epoch === 2, "Bob commits");
    await until(
      () =>
        (world.server.accounts.packages.get(key) ?? []).every(
          (it) => !left.includes(it) || it.suite === "x25519",
        ),
      "another package",
    );
    await alice.app.send(chat, "hello");
    await sees(bob, chat, "hello");
  });
});

describe("a chat of two", () => {
  let alice: Client;
  let bob: Client;
  let chat: string;
  beforeEach(async () => {
    ({ alice, bob, chat } = await world.pair());
  });

  /** What Bob would send, changed. */
  function forged(
    change: { secret?: string; baseHash?: Uint8Array; baseSeq?: number },
    id = strangerId(),
  ): string {
    const log = world.server.log(chat);
    const info = readPlain<PlainInfo>(base64.decode(log.newest.group_info));
    const bytes = plainMessage(
      { ...info, ...(change.secret === undefined ? {} : { secret: change.secret }) },
      {
        epoch: log.epoch,
        from: bob.device,
        content: base64.decode(textEnvelope("forged")),
        position: {
          messageId: id,
          baseSeq: change.baseSeq ?? 0,
          baseHash: change.baseHash ?? new Uint8Array(32),
        },
        stateHash: readPlain<{ stateHash: string }>(base64.decode(log.newest.commit)).stateHash,
      },
    );
    const body = {
      message_id: id,
      epoch: log.epoch,
      base_seq: 0,
      silent: false,
      envelope: base64.encode(bytes),
    };
    log.submit(bob.device, body, world.environment.nowMs);
    world.server.deliver(log, log.head);
    return id;
  }

  it("[E9] what cannot be opened is parked with its code, counted, and asked for", async () => {
    forged({ secret: "another" });
    await sees(alice, chat, "(parked)");
    expect((await alice.app.messages(chat)).at(-1)?.body).toEqual({
      type: "parked",
      reason: "decrypt_failed",
    });
    expect(await counts(alice)).toEqual({ decrypt_failed: 1 });
    await isSent(alice);
    expect(world.server.log(chat).entries.at(-1)).toMatchObject({ kind: "message", silent: true });
  });

  it("[E9] the sender answers from its own copy, and the message shows in its place", async () => {
    const { messageId } = await bob.app.send(chat, "once more");
    await sees(alice, chat, "once more");
    const place = (await alice.app.messages(chat)).find((message) => message.messageId === messageId);
    const record = await alice.store.get("messages", [chat, place?.seq ?? 0, 0]);
    if (record === null) throw new Error("it is not there");
    const parked = { ...record, body: { type: "parked", reason: "decrypt_failed" } } as const;
    await alice.store.apply([{ table: "messages", put: parked }]);
    const request = { v: 1, type: "resend_request", message_id: messageId, seq: record.seq };
    const content = Buffer.from(JSON.stringify(request)).toString("base64");
    world.server
      .log(chat)
      .forge(alice.device, { message_id: strangerId(), base_seq: 0, silent: true, envelope: content }, 0);
    world.server.deliver(world.server.log(chat), world.server.log(chat).head);
    await sees(alice, chat, "once more");
  });

  it("[E3] [E9] what somebody may not have read who has come in since is not sent again", async () => {
    const { messageId } = await bob.app.send(chat, "before the second device");
    await sees(alice, chat, "before the second device");
    const place = (await alice.app.messages(chat)).find((message) => message.messageId === messageId);
    const log = world.server.log(chat);
    const second = await world.register(alicePhone, "Alice");
    await until(() => log.roster.has(deviceKey(second.device)), "the second device is in");
    await sees(second, chat, "(notice)");
    const request = { v: 1, type: "resend_request", message_id: messageId, seq: place?.seq };
    const envelope = Buffer.from(JSON.stringify(request)).toString("base64");
    log.forge(second.device, { message_id: strangerId(), base_seq: 0, silent: true, envelope }, 0);
    world.server.deliver(log, log.head);
    const { head } = log;
    await world.environment.advance(10_000);
    expect(log.head).toBe(head);
  });

  it("[E13] a sender who saw another log: sending stops, and the chat says so", async () => {
    await bob.app.send(chat, "one");
    await sees(alice, chat, "one");
    forged({ baseSeq: 1, baseHash: new Uint8Array(32).fill(9) });
    await until(async () => (await alice.app.conversation(chat))?.security === "fork", "the fork is seen");
    await alice.app.send(chat, "nobody gets this");
    await world.environment.advance(5_000);
    expect(await world.texts(bob, chat)).not.toContain("nobody gets this");
    expect(await alice.store.all("outbox")).toHaveLength(1);
  });

  it("[E13] two who are shown different logs: what one writes next stops the other", async () => {
    const log = world.server.log(chat);
    const { deliver } = world.server;
    // Alice is told another time of the same message than the log has, as a forked log would say something else.
    world.server.deliver = (of, seq) => {
      const entry = of.entries[seq - 1];
      if (entry === undefined) return;
      of.entries[seq - 1] = { ...entry, sent_at: entry.sent_at + 1 };
      deliver.call(world.server, of, seq);
      of.entries[seq - 1] = entry;
    };
    await bob.app.send(chat, "not the same for both");
    await sees(alice, chat, "not the same for both");
    world.server.deliver = deliver;
    await isSent(bob);
    await alice.app.send(chat, "after it");
    await until(async () => (await bob.app.conversation(chat))?.security === "fork", "Bob sees the fork");
    const { head } = log;
    await bob.app.send(chat, "nobody gets this");
    await world.environment.advance(5_000);
    expect(log.head).toBe(head);
  });

  it("[E13] two who agree never see a fork, whatever they hold ahead", async () => {
    for (const text of ["1", "2", "3"]) {
      await alice.app.send(chat, `a${text}`);
      await bob.app.send(chat, `b${text}`);
    }
    await sees(alice, chat, "b3");
    await sees(bob, chat, "a3");
    await isSent(alice);
    const chains = await Promise.all(
      [alice, bob].map(async ({ store }) => (await store.get("conversations", [chat]))?.chain),
    );
    expect(chains[0]).toEqual(chains[1]);
    expect(chains[0]?.seq).toBe(world.server.log(chat).head);
  });

  it("[E8] a commit that was accepted and never heard of again is adopted by the next run", async () => {
    let isLost = false;
    const { fetch } = world.server;
    world.server.fetch = async (url, init) => {
      const answer = await fetch.call(world.server, url, init);
      if (url.endsWith("/commits")) isLost = true;
      if (isLost) throw new TypeError("lost");
      return answer;
    };
    world.server.log(chat).loggedOut.add(deviceKey(bob.device));
    await bob.app.close();
    await alice.app.send(chat, "after the removal");
    await until(() => isLost, "the commit is accepted");
    expect(await alice.store.all("pendingCommits")).toHaveLength(1);
    world.server.cutAll();
    const again = await restart(alice);
    world.server.fetch = fetch;
    await until(async () => (await again.store.all("pendingCommits")).length === 0, "adopted");
    const group = await again.store.get("groups", [chat]);
    expect(group?.epoch).toBe(world.server.log(chat).epoch);
    await isSent(again);
    expect(world.server.log(chat).entries.filter((entry) => entry.kind === "commit")).toHaveLength(2);
  });

  it("[E8] a commit that was stored and never arrived is sent by the next run", async () => {
    world.server.log(chat).loggedOut.add(deviceKey(bob.device));
    await bob.app.close();
    const { fetch } = world.server;
    world.server.fetch = async (url, init) => {
      if (url.endsWith("/commits")) throw new TypeError("unreachable");
      return await fetch.call(world.server, url, init);
    };
    await alice.app.send(chat, "after the removal");
    await until(async () => (await alice.store.all("pendingCommits")).length === 1, "made");
    const [made] = await alice.store.all("pendingCommits");
    const again = await restart(alice);
    world.server.fetch = fetch;
    await isSent(again);
    const commits = world.server.log(chat).entries.filter((entry) => entry.kind === "commit");
    expect(commits.map((entry) => entry.message_id).at(-1)).toBe(made?.messageId);
  });

  it("[E14] commit_required: whoever sends next takes out who has to go, then the message goes", async () => {
    const log = world.server.log(chat);
    const second = await world.register(bobPhone, "Bob");
    await until(() => log.roster.has(deviceKey(second.device)), "the second device is in");
    await second.app.close();
    log.loggedOut.add(deviceKey(second.device));
    await alice.app.send(chat, "not for the second");
    await sees(bob, chat, "not for the second");
    expect(log.roster.has(deviceKey(second.device))).toBe(false);
    expect((await bob.app.conversation(chat))?.security).toBe("ok");
  });

  it("[E4] a removal that nothing entitles its author to is not followed: sending stops", async () => {
    const second = await world.register(bobPhone, "Bob");
    const log = world.server.log(chat);
    await until(() => log.roster.has(deviceKey(second.device)), "the second device is in");
    const change = { add: [], remove: [second.device] };
    const id = strangerId();
    log.forge(
      alice.device,
      { message_id: id, base_seq: 0, silent: true, envelope: "", roster_change: change },
      0,
    );
    world.server.deliver(log, log.head);
    await until(async () => (await bob.app.conversation(chat))?.security === "fork", "Bob sees it");
    expect(await counts(bob)).toEqual({ forbidden_change: 1 });
  });

  it("[E2] [E9] a commit it cannot apply: it says so, comes in again, and goes on", async () => {
    const kept = await openSqliteStore(":memory:");
    await copyInto(kept, alice.store);
    await alice.app.close();
    // As after a wrong write: the group is another's.
    const held = await kept.get("groups", [chat]);
    if (held === null) throw new Error("no group");
    const state = { secret: "wrong", devices: held.devices, self: alice.device };
    const bytes = new TextEncoder().encode(JSON.stringify(state));
    await kept.apply([{ table: "groups", put: { ...held, state: bytes } }]);
    const again = { ...alice, store: kept, app: await world.open(kept) };
    await world.live(again.app);
    world.server.log(chat).forge(
      bob.device,
      {
        message_id: strangerId(),
        base_seq: 0,
        silent: true,
        envelope: "",
        roster_change: { add: [], remove: [] },
      },
      0,
    );
    world.server.deliver(world.server.log(chat), world.server.log(chat).head);
    await until(async () => (await notices(again, chat)).includes("repaired"), "comes in again");
    expect((await again.app.conversation(chat))?.security).toBe("ok");
    await again.app.send(chat, "back again");
    await sees(bob, chat, "back again");
  });

  it("[L5] [E15] a restored log that lost a commit: a further generation, and both write on", async () => {
    const log = world.server.log(chat);
    const second = await world.register(bobPhone, "Bob");
    await until(() => log.roster.has(deviceKey(second.device)), "the second device is in");
    await alice.app.send(chat, "lost with the log");
    await sees(bob, chat, "lost with the log");
    await second.app.close();
    log.restore(1, "L2");
    log.roster.delete(deviceKey(second.device));
    alice.app.openChat(chat);
    await until(() => log.generation === 2, "founded again");
    await until(async () => (await notices(bob, chat)).includes("founded_again"), "Bob sees it");
    await alice.app.send(chat, "in the second generation");
    await sees(bob, chat, "in the second generation");
    await bob.app.send(chat, "me too");
    await sees(alice, chat, "me too");
    expect(await world.texts(alice, chat)).toContain("lost with the log");
  });
});

async function copyInto(to: Store, from: Store): Promise<void> {
  for (const table of [
    "values",
    "conversations",
    "entries",
    "messages",
    "keys",
    "keyPackages",
    "groups",
    "documents",
    "usedWelcomes",
  ] as const) {
    for (const put of await from.all(table))
      await to.apply([{ table, put } as Parameters<Store["apply"]>[0][number]]);
  }
}

describe("a group", () => {
  const carolPhone = "+14155550003";
  let alice: Client;
  let bob: Client;
  let carol: Client;
  let group: string;
  const picture = new Uint8Array(50_000).fill(3);
  beforeEach(async () => {
    alice = await world.register(alicePhone, "Alice");
    bob = await world.register(bobPhone, "Bob");
    carol = await world.register(carolPhone, "Carol");
    const userIds = [bob.device.user_id, carol.device.user_id];
    group = await alice.app.createGroup({ name: "Gulls", picture, userIds });
    for (const { app } of [bob, carol])
      await until(async () => (await app.group(group))?.name === "Gulls", "in");
  });

  it("[E16] a device that comes in by itself asks for the state, and the next member online tells it", async () => {
    const second = await world.register(bobPhone, "Bob");
    await until(async () => (await second.app.group(group))?.name === "Gulls", "the name");
    expect((await second.app.group(group))?.picture).toEqual(picture);
    expect((await second.app.group(group))?.members.map(({ role }) => role)).toEqual([
      "owner",
      "member",
      "member",
    ]);
    await second.app.send(group, "me too");
    await sees(alice, group, "me too");
    expect(await notices(second, group)).toEqual(["unconfirmed"]);
  });

  it("[R2] ticks are the least that any other member has reached", async () => {
    await carol.app.close();
    await alice.app.send(group, "to all");
    await sees(bob, group, "to all");
    await world.environment.advance(1_000);
    expect((await alice.app.messages(group)).at(-1)?.status).toBe("sent");
  });

  it("[E2] two commit at once: both changes are there, in one order", async () => {
    await alice.app.setRole(group, bob.device.user_id, "admin");
    await until(async () => (await bob.app.group(group))?.ownRole === "admin", "Bob is admin");
    await Promise.all([alice.app.renameGroup(group, "Terns"), bob.app.setGroupPicture(group, null)]);
    for (const { app } of [alice, bob, carol])
      await until(async () => {
        const found = await app.group(group);
        return found?.name === "Terns" && found.picture === null;
      }, "both changes");
  });

  it("[E14] a leaver is taken out once, by whoever comes first", async () => {
    await bob.app.leaveGroup(group);
    await until(async () => (await carol.app.group(group))?.members.length === 2, "Bob is out");
    await world.environment.advance(10_000);
    const log = world.server.log(group);
    expect(log.entries.filter((entry) => entry.kind === "commit")).toHaveLength(2);
    expect(await notices(carol, group)).toContain("left");
    expect(await notices(carol, group)).not.toContain("members_removed");
  });

  it("[E16] notices name who, as this device knows them", async () => {
    await bob.app.send(group, "hello");
    await sees(alice, group, "hello");
    await until(async () => (await alice.app.messages(group)).at(-1)?.senderName === "Bob", "the name");
    await alice.app.removeMember(group, bob.device.user_id);
    const found = async () => (await alice.app.messages(group)).at(-1)?.body;
    expect(await found()).toEqual({ type: "notice", notice: { type: "members_removed", who: ["Bob"] } });
    await until(async () => (await bob.app.conversation(group))?.isMember === false, "Bob is out");
    await expect(bob.app.send(group, "still here")).rejects.toThrow();
    expect((await bob.app.group(group))?.ownRole).toBeNull();
  });
});
