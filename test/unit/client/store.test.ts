import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { openDB } from "idb";
import { afterAll, describe, expect, it, vi } from "vitest";
import { openIndexedDbStore } from "../../../src/client/store/indexeddb.ts";
import type { EntryRecord } from "../../../src/client/store/records.ts";
import { openSqliteStore } from "../../../src/client/store/sqlite.ts";
import { getValue, putValue, type Store } from "../../../src/client/store/store.ts";
import { storeContract } from "./store-contract.ts";

describe("the store in a browser", () => {
  it("[D1] [E8] has entries, the outbox and keys on the disk before it says so, and does not wait for the disk otherwise", async () => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    const store = await openIndexedDbStore("durable");
    const opened = vi.spyOn(IDBDatabase.prototype, "transaction");
    const entry = { conversationId: "a", seq: 1 } as EntryRecord;
    await store.apply([{ table: "entries", put: entry }, putValue("inbox_store_id", "one")]);
    await store.apply([{ table: "outbox", remove: ["a", 1] }]);
    await store.apply([putValue("inbox_store_id", "two")]);
    const ratchet = { conversationId: "a", leafIndex: 0, epoch: 1, bytes: new Uint8Array() };
    await store.apply([{ table: "ratchets", put: ratchet }]);
    const durabilities = opened.mock.calls.map(([, , options]) => options?.durability);
    expect(durabilities).toEqual(["strict", "strict", "default", "strict"]);
    opened.mockRestore();
    await store.close();
  });
});

storeContract("SQLite", () => openSqliteStore(":memory:"));
storeContract("IndexedDB", async () => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  return await openIndexedDbStore("contract");
});

describe("a store that is opened again", () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  it("still holds what it held (SQLite)", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kittiwake-store-"));
    folders.push(folder);
    const first = await openSqliteStore(join(folder, "store.db"));
    await first.apply([putValue("installation_id", "kept")]);
    await first.close();
    const second = await openSqliteStore(join(folder, "store.db"));
    expect(await getValue(second, "installation_id")).toBe("kept");
    await second.close();
  });

  it("keeps the log-in of version 1 and takes the tables of encryption (SQLite)", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kittiwake-store-"));
    folders.push(folder);
    const path = join(folder, "old.db");
    const old = new DatabaseSync(path);
    for (const [table, keys] of Object.entries(tablesOfVersion1))
      old.exec(
        `CREATE TABLE "${table}" (${keys}, record TEXT NOT NULL, PRIMARY KEY (${keys})) WITHOUT ROWID`,
      );
    old.exec(`INSERT INTO "values" VALUES ('installation_id', '{"key":"installation_id","value":"kept"}')`);
    old.exec(`INSERT INTO conversations VALUES ('a', '{"conversationId":"a"}')`);
    old.exec("PRAGMA user_version = 1");
    old.close();
    const store = await openSqliteStore(path);
    await expectUpgraded(store);
    await store.close();
  });

  it("keeps the log-in of version 1 and takes the tables of encryption (IndexedDB)", async () => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    const old = await openDB("old", 1, {
      upgrade(database) {
        for (const [table, keys] of Object.entries(tablesOfVersion1))
          database.createObjectStore(table, { keyPath: keys.split(", ") });
      },
    });
    await old.put("values", { key: "installation_id", value: "kept" });
    await old.put("conversations", { conversationId: "a" });
    old.close();
    const store = await openIndexedDbStore("old");
    await expectUpgraded(store);
    await store.close();
  });

  it("refuses a store of a newer version rather than misread it (SQLite)", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kittiwake-store-"));
    folders.push(folder);
    const path = join(folder, "newer.db");
    const newer = new DatabaseSync(path);
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    await expect(openSqliteStore(path)).rejects.toThrow("update the app");
  });

  it("still holds what it held (IndexedDB)", async () => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    const first = await openIndexedDbStore("again");
    await first.apply([putValue("installation_id", "kept")]);
    await first.close();
    const second = await openIndexedDbStore("again");
    expect(await getValue(second, "installation_id")).toBe("kept");
    await second.close();
  });

  it("of the time before encryption keeps the log-in and drops the chats (SQLite)", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kittiwake-store-"));
    folders.push(folder);
    const path = join(folder, "store.db");
    const old = new DatabaseSync(path);
    const table = (name: string, keys: string) =>
      `CREATE TABLE "${name}" (${keys}, record TEXT NOT NULL, PRIMARY KEY (${keys})) WITHOUT ROWID;`;
    old.exec(`${table("values", "key")} ${table("conversations", "conversationId")}
      ${table("entries", "conversationId, seq")} ${table("messages", "conversationId, seq, sub")}
      ${table("outbox", "conversationId, position")}
      ALTER TABLE messages ADD COLUMN counted INTEGER AS (record ->> '$.countedSeq') VIRTUAL;
      CREATE INDEX messages_counted ON messages (conversationId, counted) WHERE counted IS NOT NULL;
      INSERT INTO "values" VALUES ('installation_id', '{"key":"installation_id","value":"kept"}');
      INSERT INTO conversations VALUES ('a', '{"conversationId":"a"}');
      PRAGMA user_version = 1;`);
    old.close();
    const store = await openSqliteStore(path);
    expect(await getValue(store, "installation_id")).toBe("kept");
    expect(await store.all("conversations")).toEqual([]);
    expect(await store.all("groups")).toEqual([]);
    await store.close();
  });

  it("of the time before encryption keeps the log-in and drops the chats (IndexedDB)", async () => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    const old = await openDB("before", 1, {
      upgrade(database) {
        database.createObjectStore("values", { keyPath: ["key"] });
        database.createObjectStore("conversations", { keyPath: ["conversationId"] });
        database.createObjectStore("entries", { keyPath: ["conversationId", "seq"] });
        const messages = database.createObjectStore("messages", {
          keyPath: ["conversationId", "seq", "sub"],
        });
        messages.createIndex("counted", ["conversationId", "countedSeq"]);
        database.createObjectStore("outbox", { keyPath: ["conversationId", "position"] });
      },
    });
    await old.put("values", { key: "installation_id", value: "kept" });
    await old.put("conversations", { conversationId: "a" });
    old.close();
    const store = await openIndexedDbStore("before");
    expect(await getValue(store, "installation_id")).toBe("kept");
    expect(await store.all("conversations")).toEqual([]);
    expect(await store.all("groups")).toEqual([]);
    expect(await store.countUnread("a", 0, 10, 10)).toBe(0);
    await store.close();
  });
});

const tablesOfVersion1 = {
  values: "key",
  conversations: "conversationId",
  entries: "conversationId, seq",
  messages: "conversationId, seq, sub",
  outbox: "conversationId, position",
};

async function expectUpgraded(store: Store): Promise<void> {
  expect(await getValue(store, "installation_id")).toBe("kept");
  expect(await store.all("conversations")).toEqual([]);
  const ratchet = { conversationId: "a", leafIndex: 0, epoch: 1, bytes: new Uint8Array([7]) };
  await store.apply([{ table: "ratchets", put: ratchet }]);
  expect(await store.range("ratchets", { conversationId: "a" })).toEqual([ratchet]);
  expect(await store.countUnread("a", 0, 9, 9)).toBe(0);
}
