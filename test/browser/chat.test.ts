/** Two people, two browsers, the real server as a process: what users rely on. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServerProcess } from "../../scripts/server-process.ts";
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

async function twoPeopleChatting(): Promise<[Person, Person]> {
  const alice = await Person.arrive(browser, server.url, "Alice");
  const bob = await Person.arrive(browser, server.url, "Bob");
  await alice.register();
  await bob.register();
  await alice.startChat(bob.phone);
  return [alice, bob];
}

describe("two people", () => {
  it("register, chat both ways and see their ticks", async () => {
    const [alice, bob] = await twoPeopleChatting();
    await alice.write("Hello Bob");
    await bob.page.getByTestId("unread").waitFor();
    expect(await bob.page.getByTestId("unread").textContent()).toContain("1");
    await alice.sees((messages) => messages[0]?.status === "delivered", "two ticks");
    await bob.openChat();
    // [E7] They share no other chat: until Bob answers, this is a request.
    const request = bob.page.getByTestId("request");
    await request.waitFor();
    await alice.sees((messages) => messages[0]?.status === "read", "blue ticks");
    await bob.write("Hello Alice");
    await request.waitFor({ state: "detached" });
    await alice.seesTexts(["Hello Bob", "Hello Alice"]);
    await bob.sees((messages) => messages[1]?.status === "read", "blue ticks");
    expect([...alice.errors, ...bob.errors]).toEqual([]);
  });

  it("[D2] [D3] one goes offline and gets everything on return: in order, once", async () => {
    const [alice, bob] = await twoPeopleChatting();
    await alice.write("before");
    await bob.openChat();
    await bob.seesTexts(["before"]);
    await bob.setOffline(true);
    const texts = Array.from({ length: 25 }, (_, index) => `while away ${index + 1}`);
    for (const text of texts) await alice.write(text);
    await alice.sees(
      (messages) => messages.every((message) => message.status !== "pending"),
      "one tick on all",
    );
    // What Bob writes meanwhile waits with a clock.
    await bob.write("from the tunnel");
    await bob.sees((messages) => messages.at(-1)?.status === "pending", "a clock");
    await bob.page.getByTestId("banner").waitFor();
    await bob.setOffline(false);
    await bob.seesTexts(["before", ...texts, "from the tunnel"]);
    await alice.seesTexts(["before", ...texts, "from the tunnel"]);
    // Alice may see it before Bob's own tick is on his screen: the tick has to come, then the order is the log's [L4].
    // Places in between are those of silent messages, which carry keys and are not shown [L8].
    await bob.sees((messages) => messages.every((message) => message.seq !== null), "a tick on all");
    const seqsOf = async (person: Person) => (await person.messages()).map((message) => message.seq ?? 0);
    const seqs = await seqsOf(bob);
    expect(seqs).toEqual([...new Set(seqs)].sort((one, other) => one - other));
    expect(await seqsOf(alice)).toEqual(seqs);
  });

  it("a reload keeps everything", async () => {
    const [alice, bob] = await twoPeopleChatting();
    await alice.write("stays");
    await bob.openChat();
    await bob.seesTexts(["stays"]);
    await bob.write("stays too");
    await alice.seesTexts(["stays", "stays too"]);
    await alice.page.reload();
    await alice.seesTexts(["stays", "stays too"]);
    await alice.write("after the reload");
    await bob.seesTexts(["stays", "stays too", "after the reload"]);
  });

  it("[F11] the server is killed with -9 in between and nothing is lost, nothing comes twice", async () => {
    const [alice, bob] = await twoPeopleChatting();
    await bob.openChat();
    await alice.write("one");
    await bob.seesTexts(["one"]);
    for (const text of ["two", "three", "four"]) await alice.write(text);
    await server.kill();
    for (const text of ["five", "six"]) await alice.write(text);
    await bob.write("seven");
    await server.start();
    const sorted = ["five", "four", "one", "seven", "six", "three", "two"];
    for (const person of [alice, bob]) {
      await person.sees(
        (messages) =>
          messages.every((message) => message.seq !== null) &&
          JSON.stringify(messages.map((message) => message.text).sort()) === JSON.stringify(sorted),
        "all seven, sent",
      );
    }
    // One order for both, and each sender's own order in it [L4] [L7].
    const order = (await alice.messages()).map((message) => message.text);
    expect((await bob.messages()).map((message) => message.text)).toEqual(order);
    expect(order.filter((text) => text !== "seven")).toEqual(["one", "two", "three", "four", "five", "six"]);
  });

  it("two tabs are one device: both show everything, and the second takes over", async () => {
    const [alice, bob] = await twoPeopleChatting();
    await alice.write("in the first tab");
    await bob.openChat();
    const second = await alice.openSecondTab();
    await second.getByTestId("composer").fill("in the second tab");
    await second.getByTestId("composer").press("Enter");
    await bob.seesTexts(["in the first tab", "in the second tab"]);
    await alice.seesTexts(["in the first tab", "in the second tab"]);
    await alice.page.close();
    alice.page = second;
    await bob.write("still there?");
    await alice.seesTexts(["in the first tab", "in the second tab", "still there?"]);
    await alice.write("yes");
    await bob.seesTexts(["in the first tab", "in the second tab", "still there?", "yes"]);
  });

  it("logging in again with the same number is a second device with the chat and what comes", async () => {
    const [alice, bob] = await twoPeopleChatting();
    await alice.write("to the first device");
    await bob.openChat();
    await bob.seesTexts(["to the first device"]);
    const again = await Person.arrive(browser, server.url, "Bob", bob.phone);
    await again.register();
    await again.page.getByTestId("chat-item").first().waitFor();
    await alice.write("to both");
    await bob.seesTexts(["to the first device", "to both"]);
    await again.openChat();
    await again.sees((messages) => messages.at(-1)?.text === "to both", "what came after it joined");
    await again.write("from the second device");
    await alice.seesTexts(["to the first device", "to both", "from the second device"]);
    await bob.seesTexts(["to the first device", "to both", "from the second device"]);
  });
});
