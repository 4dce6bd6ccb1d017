/** A person with a browser of their own: what they do by keyboard and pointer, and what they see. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const chromiumArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launchBrowser(): Promise<Browser> {
  const executablePath = process.env.KITTIWAKE_BROWSER;
  if (executablePath === undefined)
    throw new Error("KITTIWAKE_BROWSER names no browser; run the tests by `npm test`.");
  return chromium.launch({ executablePath, headless: true, args: chromiumArguments });
}

export interface ShownMessage {
  text: string;
  seq: number | null;
  status: string | null;
}

let phonesGiven = 0;
/** A number nobody else in this run has. */
export function newPhone(): string {
  phonesGiven += 1;
  const tail = String(Math.floor(Math.random() * 90_000) + 10_000);
  return `+4915${String(phonesGiven).padStart(4, "0")}${tail}`;
}

export class Person {
  readonly phone: string;
  readonly name: string;
  readonly context: BrowserContext;
  page: Page;
  /** What the page reported as broken: must stay empty. */
  readonly errors: string[] = [];

  private constructor(name: string, phone: string, context: BrowserContext, page: Page) {
    this.name = name;
    this.phone = phone;
    this.context = context;
    this.page = page;
    this.#watch(page);
  }

  static async arrive(browser: Browser, url: string, name: string, phone = newPhone()): Promise<Person> {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    const person = new Person(name, phone, context, page);
    await page.goto(url);
    return person;
  }

  async register(): Promise<void> {
    await this.page.getByTestId("phone-input").fill(this.phone);
    await this.page.getByTestId("name-input").fill(this.name);
    await this.#requestCode();
    const shown = await this.page.getByTestId("development-code").textContent();
    const code = /\d{6}/.exec(shown ?? "")?.[0];
    if (code === undefined) throw new Error(`no code in "${shown}"`);
    await this.page.getByTestId("code-input").fill(code);
    // Six digits may send the form by themselves.
    const verify = this.page.getByTestId("verify");
    if (await verify.isVisible()) await verify.click({ timeout: 2_000 }).catch(() => undefined);
    await this.page.getByTestId("new-chat").waitFor();
  }

  /** A number that was just sent a code has to wait: people try again, and so does this. Bounded. */
  async #requestCode(): Promise<void> {
    const code = this.page.getByTestId("development-code");
    for (let attempt = 1; attempt <= 8; attempt++) {
      await this.page.getByTestId("request-code").click();
      const came = await code.waitFor({ timeout: 6_000 }).then(
        () => true,
        () => false,
      );
      if (came) return;
    }
    throw new Error(`${this.name} got no code: ${await this.page.textContent("main, body")}`);
  }

  async startChat(phone: string): Promise<void> {
    await this.page.getByTestId("new-chat").click();
    await this.page.getByTestId("new-chat-phone").fill(phone);
    await this.page.getByTestId("start-chat").click();
    await this.page.getByTestId("composer").waitFor();
  }

  async openChat(): Promise<void> {
    await this.page.getByTestId("chat-item").first().click();
    await this.page.getByTestId("composer").waitFor();
  }
  async leaveChat(): Promise<void> {
    await this.page.getByTestId("back").click();
    await this.page.getByTestId("chat-list").waitFor();
  }

  async write(text: string): Promise<void> {
    await this.page.getByTestId("composer").fill(text);
    await this.page.getByTestId("composer").press("Enter");
  }

  /** Messages on screen, top to bottom; notices are left out. */
  async messages(page: Page = this.page): Promise<ShownMessage[]> {
    return page.getByTestId("message").evaluateAll((elements) =>
      elements.flatMap((element) => {
        const text = element.querySelector(".bubble-text")?.textContent;
        const seq = element.getAttribute("data-seq");
        if (text === undefined || text === null) return [];
        return [{ text, seq: seq ? Number(seq) : null, status: element.getAttribute("data-status") }];
      }),
    );
  }

  /** Waits until what is on screen is as wanted; names what was there instead. */
  async sees(wanted: (messages: ShownMessage[]) => boolean, what: string, timeoutMs = 40_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const shown = await this.messages();
      if (wanted(shown)) return;
      if (Date.now() > deadline)
        throw new Error(`${this.name} does not see ${what}: ${JSON.stringify(shown)}`);
      await this.page.waitForTimeout(50);
    }
  }
  seesTexts(texts: string[]): Promise<void> {
    return this.sees(
      (messages) => JSON.stringify(messages.map((message) => message.text)) === JSON.stringify(texts),
      JSON.stringify(texts),
    );
  }

  /** The network of this browser alone. */
  setOffline(isOffline: boolean): Promise<void> {
    return this.context.setOffline(isOffline);
  }

  async openSecondTab(): Promise<Page> {
    const page = await this.context.newPage();
    this.#watch(page);
    await page.goto(this.page.url());
    return page;
  }

  #watch(page: Page): void {
    page.on("pageerror", (error) => this.errors.push(String(error)));
  }
}
