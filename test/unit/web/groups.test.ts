import { describe, expect, it } from "vitest";
import { ConnectionError } from "../../../src/client/connection-error.ts";
import { ProtocolError } from "../../../src/protocol/errors.ts";
import { isVouchedFor } from "../../../src/web/state/chat-window.ts";
import { foundedGroup, memberOf, withoutMember, withRole } from "../../support/fake-groups.ts";
import { ada, type Harness, openAtBottom, startApp } from "./app-harness.ts";

const grace = { userId: "u1", name: "Grace", phone: "+12025550123" };
const linus = { userId: "u2", name: null, phone: "+447700900123" };
const barbara = { userId: "u3", name: "Barbara", phone: "+4930123456" };

function startKnowing(...people: { userId: string; name: string | null; phone: string }[]): Harness {
  return startApp((kittiwake) => {
    kittiwake.logIn(ada);
    for (const person of people) kittiwake.known.set(person.userId, person);
  });
}

/** In group `g` with Grace and Linus, as its owner, with the group's info on screen. */
async function startInGroup(): Promise<Harness> {
  const app = startKnowing(grace, linus, barbara);
  app.kittiwake.addGroup(foundedGroup("g", "Gulls", null, [grace, linus]));
  app.actions.go({ screen: "chat", conversationId: "g" });
  app.actions.go({ screen: "group", conversationId: "g" });
  await app.until((state) => expect(state.group?.group?.name).toBe("Gulls"));
  return app;
}

const chosen = (app: Harness): string[] => app.state().people.chosen.map(({ userId }) => userId);

describe("choosing people", () => {
  it("takes contacts by tick and others by number, and lets go of them again", async () => {
    const app = startKnowing(grace, linus);
    app.actions.go({ screen: "new-group" });
    await app.actions.beginChoosing();
    app.actions.togglePerson(grace);
    expect(await app.actions.findPerson("+44 7700 900123")).toBe(true);
    expect(chosen(app)).toEqual(["u1", "u2"]);
    app.actions.togglePerson(grace);
    expect(chosen(app)).toEqual(["u2"]);
  });

  it.each([
    ["+1415", "This number is too short. Check that no digit is missing."],
    ["+1 415 555 0123", "This is your own number. You are in the group anyway."],
    ["+1 202 555 0123", "You have chosen Grace already."],
    [
      "+1 202 555 0199",
      "Nobody with the number +1 202 555 0199 is here yet. Check it, or invite them to Kittiwake.",
    ],
  ])("answers %s with a sentence", async (phone, sentence) => {
    const app = startKnowing(grace);
    app.actions.go({ screen: "new-group" });
    await app.actions.beginChoosing();
    app.actions.togglePerson(grace);
    expect(await app.actions.findPerson(phone)).toBe(false);
    expect(app.state().people).toMatchObject({ findError: sentence, isFinding: false });
    expect(chosen(app)).toEqual(["u1"]);
  });

  it("does not take one's own account by whatever number it is found", async () => {
    const app = startKnowing({ userId: ada.userId, name: "Ada", phone: "+4930999999" });
    await app.actions.beginChoosing();
    expect(await app.actions.findPerson("+49 30 999999")).toBe(false);
    expect(app.state().people.findError).toContain("your own number");
  });

  it("says who is in the group already", async () => {
    const app = await startInGroup();
    await app.actions.beginChoosing();
    expect(await app.actions.findPerson("+1 202 555 0123")).toBe(false);
    expect(app.state().people.findError).toBe("Grace is in the group already.");
  });

  it("keeps the contacts' failure beside them, and reads them again when asked", async () => {
    const app = startKnowing(grace);
    app.kittiwake.refusals.set("contacts", new ConnectionError());
    await app.actions.beginChoosing();
    expect(app.state().people).toMatchObject({
      contacts: null,
      contactsError: new ConnectionError().message,
    });
    await app.actions.beginChoosing();
    expect(app.state().people).toMatchObject({ contacts: [grace], contactsError: null });
  });
});

describe("a new group", () => {
  it("is created with its people, name and picture, and its chat opens", async () => {
    const app = startKnowing(grace, linus);
    app.actions.go({ screen: "new-group" });
    await app.actions.beginChoosing();
    app.actions.togglePerson(grace);
    app.actions.togglePerson(linus);
    app.actions.editNewGroup({ step: "details", name: "  The   Gulls ", picture: new Uint8Array([1]) });
    await app.actions.createGroup();
    expect(app.kittiwake.calls).toContain("createGroup The Gulls u1 u2");
    expect(app.state().route).toEqual({ screen: "chat", conversationId: "group-1" });
    expect(app.kittiwake.groups.get("group-1")?.picture).toEqual(new Uint8Array([1]));
  });

  it("needs a name", async () => {
    const app = startKnowing(grace);
    app.actions.editNewGroup({ step: "details", name: " " });
    await app.actions.createGroup();
    expect(app.state().newGroup.error).toEqual({ field: "name", sentence: "Give the group a name." });
    expect(app.kittiwake.calls).toEqual([]);
  });

  it("that could not be created says why and keeps what was entered", async () => {
    const app = startKnowing(grace);
    app.actions.go({ screen: "new-group" });
    await app.actions.beginChoosing();
    app.actions.togglePerson(grace);
    app.actions.editNewGroup({ step: "details", name: "Gulls" });
    app.kittiwake.refusals.set("createGroup", new ConnectionError());
    await app.actions.createGroup();
    expect(app.state().newGroup).toMatchObject({
      name: "Gulls",
      isCreating: false,
      error: { field: null, sentence: new ConnectionError().message },
    });
    expect(chosen(app)).toEqual(["u1"]);
  });

  it("does not pull back whoever went elsewhere while it was created", async () => {
    const app = startKnowing(grace);
    app.actions.go({ screen: "new-group" });
    app.actions.editNewGroup({ step: "details", name: "Gulls" });
    const creating = app.actions.createGroup();
    app.actions.go({ screen: "settings" });
    app.actions.resetNewGroup();
    await creating;
    expect(app.state().route).toEqual({ screen: "settings" });
  });

  it("that fails after the screen was left says so, and leaves the next one alone", async () => {
    const app = startKnowing(grace);
    app.actions.editNewGroup({ step: "details", name: "Gulls" });
    app.kittiwake.refusals.set("createGroup", new ConnectionError());
    const creating = app.actions.createGroup();
    app.actions.resetNewGroup();
    await creating;
    expect(app.state().problem).toBe(new ConnectionError().message);
    expect(app.state().newGroup).toMatchObject({ name: "", isCreating: false, error: null });
  });
});

describe("the group on screen", () => {
  it("is read with its chat, and not with a direct one", async () => {
    const app = await startInGroup();
    app.kittiwake.addChat("c1", "Grace", "+12025550123");
    app.actions.go({ screen: "chat", conversationId: "g" });
    await app.until((state) => expect(state.group?.group?.members).toHaveLength(3));
    await openAtBottom(app);
    expect(app.state().group).toBeNull();
  });

  it("follows what others change, also that one was removed", async () => {
    const app = await startInGroup();
    app.kittiwake.changeGroup("g", (group) => withRole(group, "u1", "owner"));
    await app.until((state) => expect(state.group?.group?.ownRole).toBe("admin"));
    app.kittiwake.changeGroup("g", (group) => withoutMember(group, "me"));
    await app.until((state) => expect(state.chat?.summary?.isMember).toBe(false));
    expect(app.state().group?.group?.ownRole).toBeNull();
  });

  it("that is not on this device says so, and appears once it comes", async () => {
    const app = startKnowing(grace);
    app.actions.go({ screen: "group", conversationId: "g" });
    await app.until((state) => expect(state.group?.isMissing).toBe(true));
    app.kittiwake.addGroup(foundedGroup("g", "Gulls", null, [grace]));
    await app.until((state) =>
      expect(state.group).toMatchObject({ isMissing: false, group: { name: "Gulls" } }),
    );
  });
});

describe("changing a group", () => {
  it("adds those who were chosen, removes, appoints and renames, and shows what became of it", async () => {
    const app = await startInGroup();
    await app.actions.beginChoosing();
    app.actions.togglePerson(barbara);
    expect(await app.actions.addMembers()).toBe(true);
    expect(await app.actions.removeMember("u2")).toBe(true);
    expect(await app.actions.setRole("u1", "admin")).toBe(true);
    expect(await app.actions.renameGroup(" Kittiwakes ")).toBe(true);
    expect(await app.actions.setGroupPicture(new Uint8Array([7]))).toBe(true);
    expect(app.state().group).toMatchObject({ work: null, error: null });
    const group = app.state().group?.group;
    expect(group?.members.map(({ userId, role }) => [userId, role])).toEqual([
      ["me", "owner"],
      ["u1", "admin"],
      ["u3", "member"],
    ]);
    expect([group?.name, group?.picture]).toEqual(["Kittiwakes", new Uint8Array([7])]);
  });

  it("shows a failure where the change was asked for, until the next one", async () => {
    const app = await startInGroup();
    app.kittiwake.refusals.set("removeMember", new ProtocolError("not_allowed"));
    expect(await app.actions.removeMember("u1")).toBe(false);
    const sentence = new ProtocolError("not_allowed").message;
    expect(app.state().group).toMatchObject({ work: null, error: { at: "member u1", sentence } });
    await app.actions.renameGroup("Kittiwakes");
    expect(app.state().group?.error).toBeNull();
  });

  it("does one thing at a time", async () => {
    const app = await startInGroup();
    const first = app.actions.removeMember("u1");
    expect(app.state().group?.work).toBe("member u1");
    expect(await app.actions.removeMember("u2")).toBe(false);
    expect(await first).toBe(true);
    expect(app.kittiwake.calls.filter((call) => call.startsWith("remove"))).toEqual(["removeMember g u1"]);
  });

  it("asks for a name before it asks the SDK", async () => {
    const app = await startInGroup();
    expect(await app.actions.renameGroup("  ")).toBe(false);
    expect(app.state().group?.error).toEqual({ at: "rename", sentence: "Give the group a name." });
  });

  it("leaves an owner's group to somebody before leaving it", async () => {
    const app = await startInGroup();
    expect(await app.actions.handOverAndLeave("u1")).toBe(true);
    expect(app.kittiwake.calls.slice(-2)).toEqual(["setRole g u1 owner", "leaveGroup g"]);
    expect(app.state().group?.group?.members).toEqual([memberOf(grace, "owner"), memberOf(linus)]);
    await app.until((state) => expect(state.chat?.summary?.isMember).toBe(false));
  });

  it("does not leave when handing over failed", async () => {
    const app = await startInGroup();
    app.kittiwake.refusals.set("setRole", new ConnectionError());
    expect(await app.actions.handOverAndLeave("u1")).toBe(false);
    expect(app.kittiwake.calls.some((call) => call.startsWith("leaveGroup"))).toBe(false);
    expect(app.state().group?.error).toEqual({ at: "leave", sentence: new ConnectionError().message });
  });
});

describe("the word that a chat is encrypted", () => {
  async function openChat(): Promise<{ app: Harness; isGiven: () => boolean }> {
    const app = startKnowing();
    app.kittiwake.addChat("c1", "Grace", "+12025550123");
    await openAtBottom(app);
    const isGiven = (): boolean => {
      const { chat } = app.state();
      return chat !== null && isVouchedFor(chat);
    };
    expect(isGiven()).toBe(true);
    return { app, isGiven };
  }

  it("[E13] is taken back after a fork", async () => {
    const { app, isGiven } = await openChat();
    app.kittiwake.change("c1", { security: "fork" });
    await app.until(() => expect(isGiven()).toBe(false));
  });

  it("[E12] is not given on a device that came in by the server's word alone", async () => {
    const { app, isGiven } = await openChat();
    app.kittiwake.receive("c1", { type: "notice", notice: { type: "unconfirmed" } });
    await app.until(() => expect(isGiven()).toBe(false));
  });
});

describe("the profile", () => {
  it("is saved with a tidy name, and read again by whoever shows it", async () => {
    const app = startKnowing();
    await app.actions.loadProfile();
    expect(await app.actions.saveProfile({ name: " Ada  Lovelace ", picture: new Uint8Array([1]) })).toBe(
      true,
    );
    expect(app.kittiwake.ownProfile).toEqual({ name: "Ada Lovelace", picture: new Uint8Array([1]) });
    expect(app.state().profile.profile?.name).toBe("Ada Lovelace");
  });

  it.each([
    ["", "Enter your name, so that people know who writes."],
    ["x".repeat(101), "Use at most 100 characters."],
  ])("is not saved under the name %j", async (name, sentence) => {
    const app = startKnowing();
    expect(await app.actions.saveProfile({ name, picture: null })).toBe(false);
    expect(app.state().profile.error).toBe(sentence);
    expect(app.kittiwake.calls).toEqual([]);
  });

  it("says why it could not be saved", async () => {
    const app = startKnowing();
    app.kittiwake.refusals.set("setProfile", new ConnectionError());
    expect(await app.actions.saveProfile({ name: "Ada", picture: null })).toBe(false);
    expect(app.state().profile).toMatchObject({ isSaving: false, error: new ConnectionError().message });
  });
});
