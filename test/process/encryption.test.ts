/** Two or more SDK clients with real encryption on the real server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Breakable } from "./support/breakable.ts";
import { type Person, sees, shown, Town, until } from "./support/people.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.found();
}, 180_000);
afterAll(() => town.close());

describe("a direct chat", () => {
  it("[E10] [E13] texts go both ways, names and ticks come with them", async () => {
    const [alice, bob] = [await town.register("Alice"), await town.register("Bob")];
    const chat = await alice.app.startChat(bob.phone);
    await until(async () => (await bob.app.conversation(chat))?.title === "Alice", "Bob sees Alice's name");
    await alice.app.send(chat, "hello Bob");
    await sees(bob, chat, "hello Bob");
    await bob.app.send(chat, "hello Alice");
    await sees(alice, chat, "hello Alice");
    await until(async () => (await alice.app.conversation(chat))?.title === "Bob", "Alice sees Bob's name");
    expect(await shown(alice, chat)).toEqual(["(founded)", "hello Bob", "hello Alice"]);
    expect(await shown(bob, chat)).toEqual(["(founded)", "hello Bob", "hello Alice"]);
    await until(async () => (await alice.app.messages(chat))[1]?.status === "delivered", "two ticks");
    for (const { app } of [alice, bob]) expect(await app.diagnostics()).toEqual({});
  });

  it("[E15] both found it at once: one group, and everything written is read", async () => {
    const [alice, bob] = [await town.register("Alice"), await town.register("Bob")];
    const [one, other] = await Promise.all([alice.app.startChat(bob.phone), bob.app.startChat(alice.phone)]);
    expect(one).toBe(other);
    await Promise.all([alice.app.send(one, "from Alice"), bob.app.send(one, "from Bob")]);
    await sees(alice, one, "from Bob");
    await sees(bob, one, "from Alice");
  });

  it("[E12] a second device of a member comes in by itself and reads on", async () => {
    const [alice, bob] = [await town.register("Alice"), await town.register("Bob")];
    const chat = await alice.app.startChat(bob.phone);
    await alice.app.send(chat, "before");
    await sees(bob, chat, "before");
    const second = await town.registerAgain("Bob", bob.phone);
    await until(async () => (await second.app.conversations()).length === 1, "the chat is there");
    await alice.app.send(chat, "after");
    await sees(second, chat, "after");
    await sees(bob, chat, "after");
    expect(await shown(second, chat)).toEqual(["(unconfirmed)", "after"]);
    await second.app.send(chat, "from the second");
    await sees(alice, chat, "from the second");
    await sees(bob, chat, "from the second");
  });
});

describe("a group", () => {
  let people: [Person, Person, Person];
  let group: string;
  beforeAll(async () => {
    people = [await town.register("Ann"), await town.register("Ben"), await town.register("Cat")];
    const [ann, ben] = people;
    group = await ann.app.createGroup({ name: "Gulls", picture: null, userIds: [ben.userId] });
  }, 60_000);

  it("[E16] has a name and members for everybody in it", async () => {
    const [ann, ben] = people;
    await until(async () => (await ben.app.group(group))?.name === "Gulls", "Ben sees the group");
    expect((await ann.app.group(group))?.ownRole).toBe("owner");
    expect((await ben.app.group(group))?.ownRole).toBe("member");
    await ann.app.send(group, "hi all");
    await sees(ben, group, "hi all");
    await ben.app.send(group, "hi Ann");
    await sees(ann, group, "hi Ann");
  });

  it("[E2] [F8] whoever is added reads from there on, whoever is removed no further", async () => {
    const [ann, ben, cat] = people;
    await ann.app.addMembers(group, [cat.userId]);
    await until(async () => (await cat.app.group(group))?.members.length === 3, "Cat is in");
    await ben.app.send(group, "welcome Cat");
    await sees(cat, group, "welcome Cat");
    expect(await shown(cat, group)).not.toContain("hi all");
    await ann.app.removeMember(group, ben.userId);
    await until(async () => (await ben.app.conversation(group))?.isMember === false, "Ben is out");
    await ann.app.send(group, "without Ben");
    await sees(cat, group, "without Ben");
    expect(await shown(ben, group)).not.toContain("without Ben");
    await expect(ben.app.send(group, "let me in")).rejects.toThrow();
  });

  it("[E13] a member removed and added again starts its chain anew, and nobody sees a fork", async () => {
    const [ann, ben, cat] = people;
    await ann.app.addMembers(group, [ben.userId]);
    await until(async () => (await ben.app.conversation(group))?.isMember === true, "Ben is back");
    await cat.app.send(group, "hello again");
    await sees(ben, group, "hello again");
    await ben.app.send(group, "thanks");
    await sees(ann, group, "thanks");
    await sees(cat, group, "thanks");
    for (const { app } of people) expect((await app.conversation(group))?.security).toBe("ok");
  });

  it("[E16] roles, name and picture change for everybody, and only by those who may", async () => {
    const [ann, ben, cat] = people;
    await expect(cat.app.renameGroup(group, "Cats")).rejects.toThrow("Your role");
    await ann.app.setRole(group, ben.userId, "admin");
    await until(async () => (await ben.app.group(group))?.ownRole === "admin", "Ben is admin");
    await ben.app.renameGroup(group, "Terns");
    await until(async () => (await cat.app.group(group))?.name === "Terns", "Cat sees the name");
    const picture = new Uint8Array(60_000).fill(7);
    await ann.app.setGroupPicture(group, picture);
    await until(async () => (await cat.app.group(group))?.picture?.length === 60_000, "Cat sees the picture");
    await ann.app.setRole(group, cat.userId, "owner");
    await until(async () => (await cat.app.group(group))?.ownRole === "owner", "Cat owns it");
    expect((await ann.app.group(group))?.ownRole).toBe("admin");
  });

  it("[E14] whoever leaves is taken out by the next one online, and the rest writes on", async () => {
    const [ann, ben, cat] = people;
    await ben.app.leaveGroup(group);
    await until(async () => (await cat.app.group(group))?.members.length === 2, "Ben is out");
    await until(async () => (await ann.app.group(group))?.members.length === 2, "for Ann too");
    await ann.app.send(group, "Ben has left");
    await sees(cat, group, "Ben has left");
    expect((await ben.app.conversation(group))?.isMember).toBe(false);
    expect(await shown(cat, group)).toContain("(left)");
  });
});

describe("a crash between two steps", () => {
  /** Alice on a store and a network that can break, in a chat with Bob. */
  async function breakablePair() {
    const breakable = new Breakable();
    const alice = await town.register("Alice", town.newPhone(), breakable.twists());
    const bob = await town.register("Bob");
    const chat = await alice.app.startChat(bob.phone);
    await alice.app.send(chat, "first");
    await sees(bob, chat, "first");
    const again = async () => {
      await alice.app.close();
      const { app, store } = await town.open(alice.path);
      return { ...alice, app, store };
    };
    return { breakable, alice, bob, chat, again };
  }

  it("[E8] after receiving, before storing: the ratchet step is not eaten", async () => {
    const { breakable, bob, chat, again } = await breakablePair();
    breakable.breakBefore((changes) => changes.some((change) => change.table === "entries"));
    await bob.app.send(chat, "into the crash");
    await until(() => breakable.isBroken, "the crash");
    const alice = await again();
    await sees(alice, chat, "into the crash");
    await bob.app.send(chat, "and on");
    await sees(alice, chat, "and on");
    expect((await shown(alice, chat)).filter((text) => text.startsWith("(parked"))).toEqual([]);
  });

  it("[E3] [E8] in the middle of sending: the same bytes go out again, once in the log", async () => {
    const { breakable, alice, bob, chat, again } = await breakablePair();
    const isSealed = () =>
      alice.store.all("outbox").then((items) => items.some((item) => item.sealed !== null));
    breakable.loseAnswers();
    await alice.app.send(chat, "in the middle");
    await until(async () => (await isSealed().catch(() => false)) || breakable.isBroken, "sealed");
    const before = (await alice.store.all("outbox"))[0]?.sealed?.envelope;
    const back = await again();
    await sees(bob, chat, "in the middle");
    await until(async () => (await back.store.all("outbox")).length === 0, "settled");
    await back.app.send(chat, "next");
    await sees(bob, chat, "next");
    expect((await shown(bob, chat)).filter((text) => text === "in the middle")).toHaveLength(1);
    const entries = await back.store.range("entries", { conversationId: chat });
    const sent = entries.map(({ raw }) => (raw as { envelope?: unknown }).envelope);
    if (before !== undefined) expect(sent).toContain(before);
  });

  it("[E8] between the accepted commit and its adoption: the next run adopts it from the log", async () => {
    const breakable = new Breakable();
    const ann = await town.register("Ann", town.newPhone(), breakable.twists());
    const ben = await town.register("Ben");
    const group = await ann.app.createGroup({ name: "Gulls", picture: null, userIds: [ben.userId] });
    await until(async () => (await ben.app.group(group))?.name === "Gulls", "Ben is in");
    breakable.breakAfterSuccess("/commits");
    ann.app.renameGroup(group, "Terns").catch(() => {});
    await until(async () => (await ben.app.group(group))?.name === "Terns", "accepted");
    await until(() => breakable.isBroken, "the crash");
    await ann.app.close();
    const { app, store } = await town.open(ann.path);
    expect(await store.all("pendingCommits")).toHaveLength(1);
    await until(async () => (await app.group(group))?.name === "Terns", "adopted");
    await until(async () => (await store.all("pendingCommits")).length === 0, "settled");
    await app.send(group, "still here");
    await sees(ben, group, "still here");
    await ben.app.send(group, "so am I");
    await sees({ app }, group, "so am I");
  });
});
