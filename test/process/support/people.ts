/** The real server in this process, and people on it: the SDK on a store on disk, real encryption, real time. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Runtime, startRuntime } from "../../../scripts/runtime.ts";
import { makeEngine } from "../../../src/client/crypto/engine.ts";
import type { CryptoPort } from "../../../src/client/crypto/port.ts";
import {
  defaultEnvironment,
  type Environment,
  type Kittiwake,
  openKittiwake,
} from "../../../src/client/index.ts";
import { openSqliteStore } from "../../../src/client/node.ts";
import type { Store } from "../../../src/client/store/store.ts";
import { ProtocolError } from "../../../src/protocol/errors.ts";
import { limits } from "../../../src/protocol/limits.ts";

export interface Person {
  app: Kittiwake;
  store: Store;
  phone: string;
  userId: string;
  deviceId: number;
  path: string;
}

export interface Twists {
  environment?: Environment;
  crypto?: CryptoPort;
  /** Around the store, for crashes. */
  wrap?: (store: Store) => Store;
}

let lastNumber = 5_550_100;

export class Town {
  readonly #folder: string;
  readonly #runtime: Runtime;
  readonly #apps: Kittiwake[] = [];
  #stores = 0;
  private constructor(folder: string, runtime: Runtime) {
    this.#folder = folder;
    this.#runtime = runtime;
  }

  /** Needs a finished build in dist. */
  static async found(): Promise<Town> {
    const folder = await mkdtemp(join(tmpdir(), "kittiwake-town-"));
    const stateDir = join(folder, "state");
    const secret = "5e".repeat(32);
    const runtime = await startRuntime({
      port: 0,
      stateDir,
      secret,
      environment: "development",
      quiet: true,
    });
    return new Town(folder, runtime);
  }

  async close(): Promise<void> {
    for (const app of this.#apps) await app.close().catch(() => {});
    await this.#runtime.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  newPhone(): string {
    lastNumber += 1;
    return `+1415${lastNumber}`;
  }
  newStorePath(): string {
    this.#stores += 1;
    return join(this.#folder, `store-${this.#stores}.db`);
  }

  async open(path: string, twists: Twists = {}): Promise<{ app: Kittiwake; store: Store }> {
    const { environment = defaultEnvironment(), crypto = makeEngine(), wrap = (it) => it } = twists;
    const store = wrap(await openSqliteStore(path));
    const app = await openKittiwake({ url: this.#runtime.url, store, environment, crypto });
    this.#apps.push(app);
    return { app, store };
  }

  /** Another device with the same number: the server says how long to wait for another code. */
  async registerAgain(name: string, phone: string): Promise<Person> {
    try {
      return await this.register(name, phone);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== "too_many_codes") throw error;
      const waitMs = error.details.retry_after_ms ?? limits.codeSendIntervalMs;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      return await this.register(name, phone);
    }
  }

  async register(name: string, phone = this.newPhone(), twists: Twists = {}): Promise<Person> {
    const path = this.newStorePath();
    const { app, store } = await this.open(path, twists);
    const { developmentCode } = await app.requestCode(phone);
    const session = await app.verify({ phone, code: developmentCode ?? "", deviceName: "Town", name });
    await until(() => app.connection.status === "live", `${name} is live`);
    return { app, store, phone, userId: session.userId, deviceId: session.deviceId, path };
  }
}

/** Looks every now and then, for half a minute. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = Date.now() + 30_000;
  while (Date.now() < endMs) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`Waited in vain: ${what}`);
}

/** What a chat shows: texts as they are, notices and parked ones by their kind. */
export async function shown({ app }: Pick<Person, "app">, conversationId: string): Promise<string[]> {
  const messages = await app.messages(conversationId);
  return messages.map(({ body }) => {
    if (body.type === "text") return body.text;
    return body.type === "notice" ? `(${body.notice.type})` : `(parked ${body.reason})`;
  });
}

export async function sees(person: Pick<Person, "app">, conversationId: string, text: string): Promise<void> {
  let last: string[] = [];
  const look = async () => {
    last = await shown(person, conversationId);
    return last.includes(text);
  };
  await until(look, `sees ${text}`).catch((error: Error) => {
    throw new Error(`${error.message}: it shows ${JSON.stringify(last)}`);
  });
}
