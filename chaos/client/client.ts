/**
 * A client as an app would be: the SDK on a store on disk, used through its public interface alone. It does what the
 * run asks for and tells what the SDK shows. It may be killed at any moment.
 */
import { type Kittiwake, type Message, openKittiwake, type Store } from "../../src/client/index.ts";
import type { ClientSettings, FromClient, ToClient } from "./messages.ts";

const lookPauseMs = 20;

export async function runClient(settings: ClientSettings, store: Store): Promise<void> {
  const kittiwake = await openKittiwake({ url: settings.url, store });
  const session = kittiwake.session ?? (await logIn(kittiwake, settings));
  const client = new Client(kittiwake);
  process.on("message", (message: ToClient) => {
    client.handle(message).catch(fail);
  });
  // The run is gone: nobody is left to kill this process.
  process.on("disconnect", () => process.exit(1));
  tell({ type: "ready", userId: session.userId });
}

async function logIn(kittiwake: Kittiwake, { phone, name }: ClientSettings) {
  const { developmentCode } = await kittiwake.requestCode(phone);
  if (developmentCode === null) throw new Error("the server told no code: it does not run in development");
  return await kittiwake.verify({ phone, code: developmentCode, deviceName: "Chaos", name });
}

class Client {
  readonly #kittiwake: Kittiwake;
  /** Texts on their way, by conversation. */
  readonly #awaited = new Map<string, Set<string>>();
  readonly #shown = new Map<string, () => void>();
  readonly #changed = new Set<string>();
  #isLooking = false;

  constructor(kittiwake: Kittiwake) {
    this.#kittiwake = kittiwake;
    kittiwake.subscribe((event) => {
      if (event.type === "messages") this.#lookSoon(event.conversationId);
    });
  }

  async handle(message: ToClient): Promise<void> {
    switch (message.type) {
      case "start_chat":
        return tell({ type: "chat", conversationId: await this.#kittiwake.startChat(message.phone) });
      case "find":
        return await this.#find(message.conversationId, message.texts);
      case "write":
        return await this.#write(message.conversationId, message.texts);
      case "show":
        return this.#show(message.conversationId, message.isShown);
    }
  }

  async #write(conversationId: string, texts: readonly string[]): Promise<void> {
    // All at once, as the SDK takes them: it keeps the order in which it was called.
    const sends = texts.map(async (text) => {
      this.#awaitedIn(conversationId).add(text);
      const { messageId } = await this.#kittiwake.send(conversationId, text);
      tell({ type: "written", text, messageId });
    });
    await Promise.all(sends);
    this.#lookSoon(conversationId);
  }

  async #find(conversationId: string, texts: readonly string[]): Promise<void> {
    const missing = new Set(texts);
    for await (const message of this.#newestFirst(conversationId)) {
      const text = textOf(message);
      if (!missing.delete(text)) continue;
      tell({ type: "written", text, messageId: message.messageId });
      if (!this.#settles(message, true)) this.#awaitedIn(conversationId).add(text);
      if (missing.size === 0) break;
    }
    for (const text of missing) tell({ type: "absent", text });
    this.#lookSoon(conversationId);
  }

  #show(conversationId: string, isShown: boolean): void {
    this.#shown.get(conversationId)?.();
    this.#shown.delete(conversationId);
    if (isShown) this.#shown.set(conversationId, this.#kittiwake.openChat(conversationId));
  }

  /** Many changes are looked at together. */
  #lookSoon(conversationId: string): void {
    this.#changed.add(conversationId);
    if (this.#isLooking) return;
    this.#isLooking = true;
    setTimeout(() => {
      this.#lookAtChanged().catch(fail);
    }, lookPauseMs);
  }

  async #lookAtChanged(): Promise<void> {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const conversationId of changed) await this.#look(conversationId);
    this.#isLooking = false;
    for (const conversationId of this.#changed) this.#lookSoon(conversationId);
  }

  async #look(conversationId: string): Promise<void> {
    const awaited = this.#awaitedIn(conversationId);
    const unseen = new Set(awaited);
    for await (const message of this.#newestFirst(conversationId)) {
      if (unseen.size === 0) return;
      const text = textOf(message);
      if (unseen.delete(text) && this.#settles(message, false)) awaited.delete(text);
    }
  }

  /** True when it has come to its end, which is then told. */
  #settles(message: Message, isFound: boolean): boolean {
    const { messageId, seq, status, failure } = message;
    const text = textOf(message);
    if (status === "failed") tell({ type: "failed", text, failure });
    else if (status !== "pending" && seq !== null) tell({ type: "acked", text, messageId, seq, isFound });
    else return false;
    return true;
  }

  async *#newestFirst(conversationId: string): AsyncGenerator<Message> {
    let beforeSeq: number | null = null;
    do {
      const page: Message[] = await this.#kittiwake.messages(conversationId, { beforeSeq });
      yield* page.toReversed();
      beforeSeq = page.find((message) => message.seq !== null)?.seq ?? null;
    } while (beforeSeq !== null);
  }

  #awaitedIn(conversationId: string): Set<string> {
    const awaited = this.#awaited.get(conversationId) ?? new Set();
    this.#awaited.set(conversationId, awaited);
    return awaited;
  }
}

function textOf({ body }: Message): string {
  return body.type === "text" ? body.text : "";
}

function tell(message: FromClient): void {
  process.send?.(message);
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}
