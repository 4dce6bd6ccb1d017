/** A fake server, one virtual clock, and clients on it. */
import { vi } from "vitest";
import type { Kittiwake } from "../../../../src/client/contract.ts";
import type { CryptoPort } from "../../../../src/client/crypto/port.ts";
import { openKittiwake } from "../../../../src/client/index.ts";
import { openSqliteStore } from "../../../../src/client/store/sqlite.ts";
import { getValue, putValue, type Store } from "../../../../src/client/store/store.ts";
import { aloneTabs, type Tabs } from "../../../../src/client/tabs/tabs.ts";
import type { DeviceRef } from "../../../../src/protocol/ids.ts";
import { plainCrypto } from "../../../support/plain-crypto.ts";
import { FakeServer } from "./fake-server.ts";
import { VirtualEnvironment } from "./virtual-environment.ts";

export const alicePhone = "+14155550001";
export const bobPhone = "+14155550002";

export interface Client {
  app: Kittiwake;
  store: Store;
  device: DeviceRef;
}

export class World {
  readonly server = new FakeServer();
  readonly environment = new VirtualEnvironment(this.server);
  /** One for each device that is opened. */
  newCrypto: () => CryptoPort = plainCrypto;
  readonly #apps: Kittiwake[] = [];

  constructor() {
    // The MLS library asks the machine's clock whether a key package is valid: it has to be the clients'.
    vi.useFakeTimers({ toFake: ["Date"], now: this.environment.nowMs });
    this.environment.onTime = (nowMs) => vi.setSystemTime(nowMs);
  }

  async open(store: Store, tabs: Tabs = aloneTabs()): Promise<Kittiwake> {
    const app = await openKittiwake({
      url: "http://server.test",
      store,
      environment: this.environment,
      crypto: this.newCrypto(),
      tabs,
    });
    this.#apps.push(app);
    return app;
  }

  async register(phone: string, name: string, tabs?: Tabs): Promise<Client> {
    const store = await openSqliteStore(":memory:");
    const app = await this.open(store, tabs);
    const session = await app.verify({ phone, code: "123456", deviceName: "test", name });
    await this.live(app);
    return { app, store, device: { user_id: session.userId, device_id: session.deviceId } };
  }

  async live(app: Kittiwake): Promise<void> {
    await this.environment.until(() => app.connection.status === "live", "live");
  }

  /**
   * Alice and Bob with a founded chat, both live, and nothing but the founding in it: Alice has no profile yet when she
   * founds, so she introduces herself with her first message, as Bob does.
   */
  async pair(): Promise<{ alice: Client; bob: Client; chat: string }> {
    const alice = await this.register(alicePhone, "Alice");
    const bob = await this.register(bobPhone, "Bob");
    const profile = await getValue(alice.store, "own_profile");
    await alice.store.apply([{ table: "values", remove: ["own_profile"] }]);
    const chat = await alice.app.startChat(bobPhone);
    if (profile !== null) await alice.store.apply([putValue("own_profile", profile)]);
    await this.environment.until(
      async () => (await bob.app.conversations()).length === 1,
      "Bob sees the chat",
    );
    return { alice, bob, chat };
  }

  async texts(client: Client, chat: string): Promise<string[]> {
    const found = await client.app.messages(chat);
    return found.map((message) =>
      message.body.type === "text" ? message.body.text : `(${message.body.type})`,
    );
  }

  async close(): Promise<void> {
    for (const app of this.#apps) await app.close().catch(() => {});
    vi.useRealTimers();
  }
}

/** What is inside an envelope that another client made. */
export function textEnvelope(text: string): string {
  return Buffer.from(JSON.stringify({ v: 1, type: "text", text })).toString("base64");
}

let counter = 0;
/** A UUIDv7 of no client. */
export function strangerId(): string {
  counter += 1;
  return `0190a000-0000-7000-8000-${counter.toString(16).padStart(12, "0")}`;
}
