/** What the app says and lets one do in states that are rare with a real server. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchBrowser } from "./support/person.ts";
import { type Story, serveStory } from "./support/story.ts";

let browser: Browser;
let story: Story;
let page: Page;
let errors: string[];

beforeAll(async () => {
  [browser, story] = await Promise.all([launchBrowser(), serveStory()]);
});
afterAll(async () => {
  await browser?.close();
  story?.dispose();
});
beforeEach(() => open({ width: 390, height: 844 }));
afterEach(async () => {
  await page.context().close();
  expect(errors).toEqual([]);
});

async function open(viewport: { width: number; height: number }): Promise<void> {
  const context = await browser.newContext({ viewport });
  context.setDefaultTimeout(10_000);
  page = await context.newPage();
  errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  // The policy's violations are no exceptions: the console has them.
  page.on("console", (line) => {
    if (line.type() === "error" && line.text().includes("Content Security Policy")) errors.push(line.text());
  });
  await page.goto(story.url);
  await page.getByTestId("chat-list").waitFor();
}

/** Group `group-1` of Ada (its owner), Grace and Linus, with its chat on screen. */
async function openGroupChat(): Promise<void> {
  await page.evaluate(() => window.fake.createGroup({ name: "Gulls", picture: null, userIds: ["u1", "u2"] }));
  await page.getByTestId("chat-item").filter({ hasText: "Gulls" }).click();
  await page.getByTestId("member-line").filter({ hasText: "Grace, Linus, You" }).waitFor();
}

const focused = (): Promise<string | null> =>
  page.evaluate(() => document.activeElement?.getAttribute("data-testid") ?? null);

describe("a chat's encryption", () => {
  beforeEach(async () => {
    await page.getByTestId("chat-item").click();
    await page.getByTestId("composer").waitFor();
  });

  it("is named at the chat's beginning, with what it means", async () => {
    expect(await page.getByTestId("lock-line").textContent()).toBe(
      "Messages are end-to-end encrypted: the server stores and passes on what it cannot read.",
    );
  });

  it("[E9] while it is mended says so and lets one write", async () => {
    await page.evaluate(() => window.fake.change("c1", { security: "repairing" }));
    await page.getByTestId("repairing").waitFor();
    await page.getByTestId("composer").fill("goes out later");
    await page.getByTestId("composer").press("Enter");
    await page.getByTestId("message").filter({ hasText: "goes out later" }).waitFor();
    await page.evaluate(() => window.fake.change("c1", { security: "ok" }));
    await page.getByTestId("repairing").waitFor({ state: "detached" });
  });

  it("[E13] after a fork has no composer and no promise, but says what happened", async () => {
    await page.evaluate(() => window.fake.change("c1", { security: "fork" }));
    await page.getByTestId("chat-closed").filter({ hasText: "different versions of this chat" }).waitFor();
    expect(await page.getByTestId("composer").count()).toBe(0);
    expect(await page.getByTestId("lock-line").count()).toBe(0);
  });

  it("[D8] [E9] has words for a message that cannot be shown", async () => {
    await page.evaluate(() => window.fake.receive("c1", { type: "parked", reason: "decrypt_failed" }));
    await page.getByText("Kittiwake is asking the sender's device to send it again.").waitFor();
  });
});

describe("a group's chat", () => {
  it("names whoever writes once for each run, in the colour that is theirs", async () => {
    await openGroupChat();
    await page.evaluate(() => {
      const grace = { senderId: "u1", senderName: "Grace" };
      const linus = { senderId: "u2", senderName: "Linus" };
      window.fake.receive("group-1", "one", grace);
      window.fake.receive("group-1", "two", grace);
      window.fake.receive("group-1", "three", linus);
      window.fake.receive("group-1", "four", grace);
    });
    await page.getByTestId("message").filter({ hasText: "four" }).waitFor();
    const names = page.getByTestId("sender-name");
    expect(await names.allTextContents()).toEqual(["Grace", "Linus", "Grace"]);
    const colours = await names.evaluateAll((all) => all.map((name) => getComputedStyle(name).color));
    expect(colours[0]).toBe(colours[2]);
    expect(colours[0]).not.toBe(colours[1]);
    // Whoever hears the page is told with every message.
    expect(await page.getByRole("article").filter({ hasText: "two" }).textContent()).toContain("Grace:");
  });
});

describe("a group on a phone", () => {
  it("that covers its chat does not count what comes there as read [R1]", async () => {
    await openGroupChat();
    await page.getByTestId("group-info").click();
    await page.getByTestId("members").waitFor();
    await page.evaluate(() => window.fake.receive("group-1", "unseen"));
    // The app has taken the message in once the list, which is not on screen, counts it.
    await page.waitForFunction(() => document.title === "(1) Kittiwake");
    expect(
      await page.evaluate(() => window.fake.calls.filter((call) => call.startsWith("markRead"))),
    ).toEqual([]);
    await page.getByRole("link", { name: "Close group info" }).click();
    await page.waitForFunction(() => window.fake.calls.includes("markRead group-1 1"));
  });

  it("is left by Escape and by the browser's way back, one screen at a time", async () => {
    await openGroupChat();
    await page.getByTestId("group-info").click();
    await page.getByTestId("members").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("group-pane").waitFor({ state: "detached" });
    expect(await focused()).toBe("group-info");
    await page.getByTestId("group-info").click();
    await page.getByTestId("members").waitFor();
    await page.goBack();
    await page.getByTestId("group-pane").waitFor({ state: "detached" });
    await page.getByTestId("composer").waitFor();
    await page.goBack();
    await page.getByTestId("chat-list").waitFor();
  });
});

describe("a member's menu", () => {
  beforeEach(async () => {
    await openGroupChat();
    await page.getByTestId("group-info").click();
    await page.getByTestId("members").waitFor();
  });

  it("works by keyboard: opens with the focus in it, asks, and gives the focus back on Escape", async () => {
    const button = page.getByRole("button", { name: "What to do with Linus" });
    await button.focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.textContent === "Make admin");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      () => document.activeElement?.getAttribute("data-testid") === "confirm-member",
    );
    await page.getByText("Remove Linus? They keep what they have read").waitFor();
    await page.keyboard.press("Escape");
    expect(await page.getByRole("button", { name: "What to do with Linus", expanded: false }).count()).toBe(
      1,
    );
    expect(await focused()).toBe("member-menu");
    expect(await page.getByTestId("member").count()).toBe(3);
  });

  it("shows a refusal at the member, and nowhere else", async () => {
    await page.evaluate(() => {
      const refusal = new Error("Your role in this group does not allow this.");
      refusal.name = "ProtocolError";
      window.fake.refusals.set("removeMember", refusal);
    });
    await page.getByRole("button", { name: "What to do with Linus" }).click();
    await page.getByRole("button", { name: "Remove from the group" }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    const linus = page.getByTestId("member").filter({ hasText: "Linus" });
    await linus.getByRole("alert").filter({ hasText: "does not allow this" }).waitFor();
    expect(await page.getByTestId("group-error").count()).toBe(1);
    expect(await page.getByTestId("problem").count()).toBe(0);
  });
});

describe("pictures", () => {
  const bytesOf = (id: string): Promise<number[]> =>
    page.evaluate((key) => [...(window.fake.groups.get(key)?.picture ?? [])], id);

  it("become small square JPEGs, and a file that is none is refused with a sentence", async () => {
    await openGroupChat();
    await page.getByTestId("group-info").click();
    const file = page.getByTestId("picture-file");
    await file.setInputFiles({ name: "x.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
    await page.getByText("This file is not a picture that the browser can read.").waitFor();
    await file.setInputFiles({ name: "x.png", mimeType: "image/png", buffer: await widePng() });
    const shown = page.locator(".group-identity .avatar img");
    await shown.waitFor();
    const size = await shown.evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight]);
    expect(size[0]).toBe(size[1]);
    const bytes = await bytesOf("group-1");
    expect(bytes.slice(0, 3)).toEqual([0xff, 0xd8, 0xff]);
    expect(bytes.length).toBeLessThanOrEqual(64 * 1024);
  });

  it("keep their address while they stay the same, and give it back when they go", async () => {
    await openGroupChat();
    await page.getByTestId("group-info").click();
    await page.getByTestId("picture-file").setInputFiles({
      name: "x.png",
      mimeType: "image/png",
      buffer: await widePng(),
    });
    const shown = page.locator(".group-identity .avatar img");
    await shown.waitFor();
    const address = (await shown.getAttribute("src")) ?? "";
    // As from a store: the same bytes in another array.
    await page.evaluate(() =>
      window.fake.changeGroup("group-1", (group) => ({
        ...group,
        picture: new Uint8Array(group.picture ?? []),
      })),
    );
    await page.evaluate(() => window.fake.changeGroup("group-1", (group) => ({ ...group, name: "Terns" })));
    await page.getByTestId("group-name").filter({ hasText: "Terns" }).waitFor();
    expect(await shown.getAttribute("src")).toBe(address);
    expect(await loads(address)).toBe(true);
    await page.getByRole("button", { name: "Remove picture" }).click();
    await shown.waitFor({ state: "detached" });
    expect(await loads(address)).toBe(false);
  });

  const loads = (address: string): Promise<boolean> =>
    page.evaluate(
      (src) =>
        new Promise<boolean>((resolve) => {
          const image = new Image();
          image.onload = () => resolve(true);
          image.onerror = () => resolve(false);
          image.src = src;
        }),
      address,
    );

  /** Noise, which no JPEG makes small: the first attempts at it are too large. */
  async function widePng(): Promise<Buffer> {
    const base64 = await page.evaluate(() => {
      const canvas = document.createElement("canvas");
      canvas.width = 1000;
      canvas.height = 700;
      const pixels = new ImageData(canvas.width, canvas.height);
      for (let index = 0, seed = 1; index < pixels.data.length; index++) {
        seed = (seed * 48271) % 2147483647;
        pixels.data[index] = index % 4 === 3 ? 255 : seed % 256;
      }
      canvas.getContext("2d")?.putImageData(pixels, 0, 0);
      return canvas.toDataURL("image/png").split(",")[1] ?? "";
    });
    return Buffer.from(base64, "base64");
  }
});

it("a wide page shows the group beside its chat, and the list beside both", async () => {
  await page.context().close();
  await open({ width: 1280, height: 800 });
  await openGroupChat();
  await page.getByTestId("group-info").click();
  await page.getByTestId("members").waitFor();
  for (const id of ["chat-list", "composer", "group-pane"]) {
    expect(await page.getByTestId(id).isVisible(), id).toBe(true);
  }
});
