/** [E1] What leaves the browser: nothing that people write, nor what they or their groups are called. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ServerProcess } from "../../scripts/server-process.ts";
import { createGroup, openChatCalled, openGroupInfo } from "./support/groups.ts";
import { holdsText, recordOutgoing } from "./support/outgoing.ts";
import { launchBrowser, Person } from "./support/person.ts";

let browser: Browser;
let server: ServerProcess;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchBrowser(), ServerProcess.start()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.dispose();
});

it("a text is found where it was sent as it is, or in base64 within JSON within base64", () => {
  const inner = Buffer.from(JSON.stringify({ type: "text", text: "Möwen am Kliff" })).toString("base64");
  const frame = JSON.stringify([{ envelope: Buffer.from(JSON.stringify({ inner })).toString("base64") }]);
  expect(holdsText(frame, "Möwen am Kliff")).toBe(true);
  expect(holdsText(Buffer.from("Möwen am Kliff").toString("latin1"), "Möwen am Kliff")).toBe(true);
  expect(holdsText(frame, "Möwen am Strand")).toBe(false);
});

it("[E1] texts, names of people and names of groups are in nothing that a browser sends", async () => {
  const alice = await Person.arrive(browser, server.url, "Wendeline Quagga");
  const bob = await Person.arrive(browser, server.url, "Balthasar Okapi");
  const sent = [recordOutgoing(alice.page), recordOutgoing(bob.page)];
  await alice.register();
  await bob.register();
  await alice.startChat(bob.phone);
  await alice.write("marmalade for two");
  await bob.openChat();
  await bob.seesTexts(["marmalade for two"]);
  await bob.write("periwinkle, please");
  await alice.seesTexts(["marmalade for two", "periwinkle, please"]);
  await alice.leaveChat();
  await bob.leaveChat();
  await createGroup(alice, "Zinnia Circle", [bob.phone]);
  await alice.write("bring the samovar");
  await openChatCalled(bob, "Zinnia Circle");
  await bob.seesTexts(["bring the samovar"]);
  await openGroupInfo(alice);
  await alice.page.getByRole("button", { name: "Change name" }).click();
  await alice.page.getByLabel("Name of the group").fill("Dahlia Circle");
  await alice.page.getByRole("button", { name: "Save" }).click();
  await bob.page.getByTestId("chat-title").filter({ hasText: "Dahlia Circle" }).waitFor();

  const all = sent.flat();
  // The recording is worth something: it has the sends and the numbers that were looked up.
  expect(all.some((payload) => payload.includes('"send"'))).toBe(true);
  expect(all.some((payload) => payload.includes(bob.phone))).toBe(true);
  const secrets = [
    "Wendeline Quagga",
    "Balthasar Okapi",
    "marmalade for two",
    "periwinkle, please",
    "bring the samovar",
    "Zinnia Circle",
    "Dahlia Circle",
  ];
  for (const secret of secrets) {
    expect(
      all.some((payload) => holdsText(payload, secret)),
      secret,
    ).toBe(false);
  }
  expect([...alice.errors, ...bob.errors]).toEqual([]);
});
