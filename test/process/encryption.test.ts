/** Two or more SDK clients with real encryption on the real server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
    const own = async () => (await alice.app.messages(chat)).find((message) => message.isOwn);
    const isDelivered = async () => (await own())?.status === "delivered";
    await until(async () => (await alice.app.messages(chat))[1]?.status === "delivered", "two ticks");
    expect(await isDelivered()).toBeDefined();
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
    await new Promise((resolve) => setTimeout(resolve, 31_000));
    const second = await town.register("Bob", bob.phone);
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
