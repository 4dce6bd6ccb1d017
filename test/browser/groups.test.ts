/** Three people and their groups, each with a browser of their own, the real server as a process. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServerProcess } from "../../scripts/server-process.ts";
import {
  actOnMember,
  choosePerson,
  closeGroupInfo,
  createGroup,
  openChatCalled,
  openGroupInfo,
  pictureFile,
  seesMembers,
  seesNotice,
} from "./support/groups.ts";
import { launchBrowser, newPhone, Person } from "./support/person.ts";

let browser: Browser;
let server: ServerProcess;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchBrowser(), ServerProcess.start()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.dispose();
});

async function arrive(...names: string[]): Promise<Person[]> {
  const people: Person[] = [];
  // One after the other: the machine is small, and codes are sent one at a time.
  for (const name of names) {
    const person = await Person.arrive(browser, server.url, name);
    await person.register();
    people.push(person);
  }
  return people;
}

/** What stands in the group of `threeInGroup` already. */
const greetings = ["Alice here", "Bob here", "Carol here"];

/**
 * Alice's group "Gulls" with Bob and Carol, open on all three screens. Each has written once: a name travels with the
 * first message of whoever has it.
 */
async function threeInGroup(): Promise<[Person, Person, Person]> {
  const [alice, bob, carol] = (await arrive("Alice", "Bob", "Carol")) as [Person, Person, Person];
  await createGroup(alice, "Gulls", [bob.phone, carol.phone]);
  await openChatCalled(bob, "Gulls");
  await openChatCalled(carol, "Gulls");
  for (const [index, person] of [alice, bob, carol].entries()) {
    await person.seesTexts(greetings.slice(0, index));
    await person.write(greetings[index] ?? "");
  }
  for (const person of [alice, bob, carol]) await person.seesTexts(greetings);
  return [alice, bob, carol];
}

const noErrors = (...people: Person[]): void => {
  expect(people.flatMap((person) => person.errors)).toEqual([]);
};

describe("a group of three", () => {
  it("is made by numbers, and everybody reads everybody in one order, under their names", async () => {
    const [alice, bob, carol] = await threeInGroup();
    // In no agreed order: the log makes one, the same for all [L4].
    await Promise.all([alice.write("one"), bob.write("two"), carol.write("three")]);
    for (const person of [alice, bob, carol]) {
      await person.sees(
        (messages) => messages.length === 6 && messages.every(({ seq }) => seq !== null),
        "six messages, sent",
      );
    }
    const order = (await alice.messages()).map(({ text }) => text);
    expect([...order].sort()).toEqual([...greetings, "one", "three", "two"].sort());
    for (const person of [bob, carol]) {
      expect((await person.messages()).map(({ text }) => text)).toEqual(order);
    }
    for (const name of ["Bob", "Carol"]) {
      await alice.page.getByTestId("sender-name").filter({ hasText: name }).waitFor();
    }
    await alice.page.getByTestId("lock-line").waitFor();
    noErrors(alice, bob, carol);
  });

  it("[R2] shows ticks of the one who is furthest behind", async () => {
    const [alice, bob, carol] = await threeInGroup();
    await carol.setOffline(true);
    await carol.page.getByTestId("banner").waitFor();
    await alice.write("for both");
    await bob.seesTexts([...greetings, "for both"]);
    await bob.write("I have it");
    await alice.seesTexts([...greetings, "for both", "I have it"]);
    expect((await alice.messages())[greetings.length]?.status).toBe("sent");
    await carol.setOffline(false);
    await carol.seesTexts([...greetings, "for both", "I have it"]);
    await alice.sees((messages) => messages[greetings.length]?.status === "read", "blue ticks");
    noErrors(alice, bob, carol);
  });

  it("a reload keeps the group, its name, its members and its messages", async () => {
    const [alice, bob] = await threeInGroup();
    await alice.write("stays");
    await bob.seesTexts([...greetings, "stays"]);
    await bob.page.reload();
    await bob.seesTexts([...greetings, "stays"]);
    expect(await bob.page.getByTestId("chat-title").textContent()).toBe("Gulls");
    await openGroupInfo(bob);
    await seesMembers(bob, ["You", "Alice: Owner", "Carol"]);
    await closeGroupInfo(bob);
    await bob.write("after the reload");
    await alice.seesTexts([...greetings, "stays", "after the reload"]);
    noErrors(alice, bob);
  });
});

describe("who is in a group", () => {
  it("[E3] one who is added reads what comes from then on, and nothing from before", async () => {
    const [alice, bob] = await threeInGroup();
    const [dave] = (await arrive("Dave")) as [Person];
    await alice.write("before Dave");
    await bob.seesTexts([...greetings, "before Dave"]);
    await openGroupInfo(alice);
    await alice.page.getByRole("button", { name: "Add members" }).click();
    await choosePerson(alice, dave.phone);
    await alice.page.getByRole("button", { name: "Add to the group" }).click();
    await alice.page.getByTestId("member").nth(3).waitFor();
    await closeGroupInfo(alice);
    await openChatCalled(dave, "Gulls");
    await alice.write("welcome, Dave");
    await dave.seesTexts(["welcome, Dave"]);
    await dave.write("thank you");
    await bob.seesTexts([...greetings, "before Dave", "welcome, Dave", "thank you"]);
    await seesNotice(bob, "Alice added");
    noErrors(alice, bob, dave);
  });

  it("[E3] one who is removed is told, cannot write, and reads nothing that comes after", async () => {
    const [alice, bob, carol] = await threeInGroup();
    await alice.write("with Carol");
    await carol.seesTexts([...greetings, "with Carol"]);
    await openGroupInfo(alice);
    await actOnMember(alice, "Carol", "Remove from the group");
    await seesMembers(alice, ["You: Owner", "Bob"]);
    await closeGroupInfo(alice);
    await carol.page.getByText("You are no longer a member of this group.").waitFor();
    expect(await carol.page.getByTestId("composer").count()).toBe(0);
    await alice.write("without Carol");
    await bob.seesTexts([...greetings, "with Carol", "without Carol"]);
    expect((await carol.messages()).map(({ text }) => text)).toEqual([...greetings, "with Carol"]);
    await seesNotice(bob, "Alice removed Carol.");
    noErrors(alice, bob, carol);
  });

  it("[E14] one who leaves is told so, and the others go on without them", async () => {
    const [alice, bob, carol] = await threeInGroup();
    await openGroupInfo(bob);
    await bob.page.getByRole("button", { name: "Leave group" }).click();
    await bob.page.getByRole("button", { name: "Leave", exact: true }).click();
    await bob.page.getByTestId("not-a-member").waitFor();
    await seesNotice(alice, "Bob left the group.");
    await alice.write("without Bob");
    await carol.seesTexts([...greetings, "without Bob"]);
    await carol.write("so be it");
    await alice.seesTexts([...greetings, "without Bob", "so be it"]);
    await closeGroupInfo(bob);
    await bob.page.getByTestId("chat-closed").waitFor();
    expect((await bob.messages()).map(({ text }) => text)).toEqual(greetings);
    noErrors(alice, bob, carol);
  });

  it("an owner hands the group over to leave it", async () => {
    const [alice, bob, carol] = await threeInGroup();
    await openGroupInfo(alice);
    await alice.page.getByRole("button", { name: "Leave group" }).click();
    await alice.page.getByText("You own this group.").waitFor();
    await alice.page.getByLabel("New owner").selectOption({ label: "Carol" });
    await alice.page.getByRole("button", { name: "Hand over and leave" }).click();
    await alice.page.getByTestId("not-a-member").waitFor();
    await openGroupInfo(carol);
    await seesMembers(carol, ["You: Owner", "Bob"]);
    await seesNotice(bob, "Alice handed the group over to Carol.");
    noErrors(alice, bob, carol);
  });
});

describe("what a role may do [E16]", () => {
  it("a member sees the list and may leave; an admin may add and remove members, and only them", async () => {
    const [alice, bob, carol] = await threeInGroup();
    await openGroupInfo(bob);
    await seesMembers(bob, ["You", "Alice: Owner", "Carol"]);
    for (const id of ["add-members", "rename", "choose-picture", "member-menu"]) {
      expect(await bob.page.getByTestId(id).count(), id).toBe(0);
    }
    expect(await bob.page.getByTestId("leave-group").count()).toBe(1);
    await openGroupInfo(alice);
    await actOnMember(alice, "Bob", "Make admin");
    await seesMembers(bob, ["You: Admin", "Alice: Owner", "Carol"]);
    await bob.page.getByTestId("add-members").waitFor();
    expect(await bob.page.getByTestId("member-menu").count()).toBe(1);
    await actOnMember(bob, "Carol", "Remove from the group");
    await seesMembers(alice, ["You: Owner", "Bob: Admin"]);
    await carol.page.getByTestId("chat-closed").waitFor();
    noErrors(alice, bob, carol);
  });
});

describe("names and pictures", () => {
  it("of a group change for everybody, and come back after a reload", async () => {
    const [alice, bob] = await threeInGroup();
    await openGroupInfo(alice);
    await alice.page.getByRole("button", { name: "Change name" }).click();
    await alice.page.getByLabel("Name of the group").fill("Kittiwakes");
    await alice.page.getByRole("button", { name: "Save" }).click();
    await bob.page.getByTestId("chat-title").filter({ hasText: "Kittiwakes" }).waitFor();
    await seesNotice(bob, "Alice changed the name of the group.");
    await alice.page.getByTestId("picture-file").setInputFiles(await pictureFile(alice));
    await bob.page.locator(".chat-head .avatar img").waitFor();
    await seesNotice(bob, "Alice changed the picture of the group.");
    await bob.page.reload();
    await bob.page.locator(".chat-head .avatar img").waitFor();
    expect(await bob.page.getByTestId("chat-title").textContent()).toBe("Kittiwakes");
    noErrors(alice, bob);
  });

  it("of a person change where others see them", async () => {
    const [alice, bob] = await threeInGroup();
    await bob.leaveChat();
    await bob.page.getByRole("link", { name: "Settings" }).click();
    await bob.page.getByLabel("Your name").fill("Robert");
    await bob.page.getByTestId("picture-file").setInputFiles(await pictureFile(bob));
    await bob.page.locator("[data-testid='profile'] .avatar img").waitFor();
    await bob.page.getByRole("button", { name: "Save" }).click();
    await bob.page.getByText("Saved.").waitFor();
    await bob.page.getByRole("link", { name: "Back to the chats" }).click();
    await openChatCalled(bob, "Gulls");
    await bob.write("call me Robert");
    await openGroupInfo(alice);
    const robert = alice.page.getByTestId("member").filter({ hasText: "Robert" });
    await robert.waitFor({ timeout: 40_000 });
    await robert.locator(".avatar img").waitFor({ timeout: 40_000 });
    noErrors(alice, bob);
  });
});

describe("making a group", () => {
  it("says what is wrong with a number, and Escape leads back step by step", async () => {
    const [alice, bob] = (await arrive("Alice", "Bob")) as [Person, Person];
    const { page } = alice;
    await page.getByRole("link", { name: "New group" }).click();
    await page.getByTestId("no-contacts").waitFor();
    const add = async (phone: string): Promise<void> => {
      await page.getByTestId("person-phone").fill(phone);
      await page.getByTestId("person-phone").press("Enter");
    };
    await add(newPhone());
    await page.getByText("is here yet. Check it, or invite them").waitFor();
    await add(alice.phone);
    await page.getByText("This is your own number.").waitFor();
    await choosePerson(alice, bob.phone);
    await add(bob.phone);
    await page.getByText("already.").waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByRole("button", { name: "Create group" }).click();
    await page.getByText("Give the group a name.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Next" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("no-chats").waitFor();
    noErrors(alice, bob);
  });
});
