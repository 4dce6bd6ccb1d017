/** What people do with groups in the app, by its labels; every step ends when its outcome is on screen. */
import type { Person } from "./person.ts";

/** From the chat list to the new group's chat. */
export async function createGroup(person: Person, name: string, phones: string[]): Promise<void> {
  const { page } = person;
  await page.getByRole("link", { name: "New group" }).click();
  for (const phone of phones) await choosePerson(person, phone);
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByLabel("Name of the group").fill(name);
  await page.getByRole("button", { name: "Create group" }).click();
  const refusal = page.getByTestId("create-error");
  await page.getByTestId("composer").or(refusal).waitFor();
  if (await refusal.isVisible()) throw new Error(`${person.name}: ${await refusal.textContent()}`);
}

/** Adds by number to those chosen, for a new group or one on screen. */
export async function choosePerson(person: Person, phone: string): Promise<void> {
  const chosen = person.page.getByTestId("chosen").getByRole("listitem");
  const before = await chosen.count();
  await person.page.getByLabel("Add by phone number", { exact: true }).last().fill(phone);
  await person.page.getByTestId("add-person").click();
  await chosen.nth(before).waitFor();
}

/** From the chat list into the chat with this title, once it is there. */
export async function openChatCalled(person: Person, title: string): Promise<void> {
  await person.page.getByTestId("chat-item").filter({ hasText: title }).click();
  await person.page.getByTestId("chat-title").filter({ hasText: title }).waitFor();
}

export async function openGroupInfo(person: Person): Promise<void> {
  await person.page.getByTestId("group-info").click();
  await person.page.getByTestId("members").waitFor();
}

export async function closeGroupInfo(person: Person): Promise<void> {
  await person.page.getByRole("link", { name: "Close group info" }).click();
  await person.page.getByTestId("group-pane").waitFor({ state: "detached" });
}

const askedFirst = ["Remove from the group", "Hand the group over"] as const;
export type MemberChoice = (typeof askedFirst)[number] | "Make admin" | "Dismiss as admin";

/** Chooses from a member's menu, and says yes where it asks. */
export async function actOnMember(person: Person, name: string, action: MemberChoice): Promise<void> {
  const { page } = person;
  await page.getByRole("button", { name: `What to do with ${name}` }).click();
  await page.getByRole("button", { name: action, exact: true }).click();
  if (askedFirst.some((asked) => asked === action)) await page.getByTestId("confirm-member").click();
}

/** Members with their roles, as the list shows them. */
export async function members(person: Person): Promise<string[]> {
  return await person.page.getByTestId("member").evaluateAll((items) =>
    items.map((item) => {
      const part = (selector: string): string => item.querySelector(selector)?.textContent?.trim() ?? "";
      return [part(".person-name"), part(".role")].filter(Boolean).join(": ");
    }),
  );
}

export async function seesMembers(person: Person, wanted: string[]): Promise<void> {
  await until(
    async () => JSON.stringify((await members(person)).sort()) === JSON.stringify([...wanted].sort()),
    async () =>
      `${person.name} does not see the members ${wanted.join(", ")}: ${(await members(person)).join(", ")}`,
  );
}

export async function seesNotice(person: Person, text: string): Promise<void> {
  await person.page.locator(".notice").filter({ hasText: text }).first().waitFor({ timeout: 40_000 });
}

/** A small picture file with something on it, made by the person's own browser. */
export async function pictureFile(
  person: Person,
): Promise<{ name: string; mimeType: string; buffer: Buffer }> {
  const base64 = await person.page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 1200;
    canvas.height = 900;
    const context = canvas.getContext("2d");
    for (let index = 0; context !== null && index < 400; index++) {
      context.fillStyle = `hsl(${index * 7} 80% 50%)`;
      context.fillRect((index * 97) % 1200, (index * 61) % 900, 90, 90);
    }
    return canvas.toDataURL("image/png").split(",")[1] ?? "";
  });
  return { name: "gull.png", mimeType: "image/png", buffer: Buffer.from(base64, "base64") };
}

/** Bounded; `otherwise` says what was there instead. */
export async function until(
  check: () => Promise<boolean>,
  otherwise: () => Promise<string>,
  timeoutMs = 40_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(await otherwise());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
