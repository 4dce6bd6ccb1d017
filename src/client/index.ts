/** The client SDK's public face. `node:sqlite` has an entry of its own, node.ts, so that no browser bundle holds it. */
import type { Kittiwake } from "./contract.ts";
import { defaultCrypto } from "./crypto/default-crypto.ts";
import type { CryptoPort } from "./crypto/port.ts";
import { defaultEnvironment, type Environment } from "./environment.ts";
import { KittiwakeClient } from "./kittiwake.ts";
import type { Store } from "./store/store.ts";
import { defaultTabs, type Tabs } from "./tabs/tabs.ts";

export { ProtocolError } from "../protocol/errors.ts";
export { ConnectionError } from "./connection-error.ts";
export type {
  ConnectionState,
  Contact,
  ConversationSummary,
  Group,
  GroupMember,
  Kittiwake,
  KittiwakeEvent,
  Message,
  MessageStatus,
  Notice,
  Profile,
  Role,
  Session,
} from "./contract.ts";
export {
  defaultEnvironment,
  type Environment,
  type Socket,
  type SocketHandlers,
  type Timer,
} from "./environment.ts";
export { EncryptionError } from "./groups/encryption-error.ts";
export { OwnNumberError } from "./leader/start-chat.ts";
export { deleteIndexedDbStore, openIndexedDbStore } from "./store/indexeddb.ts";
export type { Store } from "./store/store.ts";
export { aloneTabs, browserTabs, type Tabs } from "./tabs/tabs.ts";

export interface OpenOptions {
  /** The server's origin, like `https://kittiwake.example`. */
  url: string;
  store: Store;
  environment?: Environment;
  /** Default: in browsers a worker, in Node this thread. */
  crypto?: CryptoPort;
  /** Default: the other tabs of this browser; in Node, none. */
  tabs?: Tabs;
}

export async function openKittiwake(options: OpenOptions): Promise<Kittiwake> {
  const { url, store, environment = defaultEnvironment(), tabs = defaultTabs("kittiwake") } = options;
  const crypto = options.crypto ?? (await defaultCrypto());
  const client = new KittiwakeClient({ url, store, environment, crypto, tabs });
  await client.resume();
  return client;
}
