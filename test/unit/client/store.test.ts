import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { afterAll, describe, expect, it, vi } from "vitest";
import { openIndexedDbStore } from "../../../src/client/store/indexeddb.ts";
import type { EntryRecord } from "../../../src/client/store/records.ts";
import { openSqliteStore } from "../../../src/client/store/sqlite.ts";
import { getValue, putValue } from "../../../src/client/store/store.ts";
import { storeContract } from "./store-contract.ts";

describe("the store in a browser", () => {
  it("[D1] has entries and the outbox on the disk before it says so, and does not wait for the disk otherwise", async () => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    const store = await openIndexedDbStore("durable");
    const opened = vi.spyOn(IDBDatabase.prototype, "transaction");
    const entry = { conversationId: "a", seq: 1 } as EntryRecord;
    await store.apply([{ table: "entries", put: entry }, putValue("inbox_store_id", "one")]);
    await store.apply([{ table: "outbox", remove: ["a", 1] }]);
    await store.apply([putValue("inbox_store_id", "two")]);
    const durabilities = opened.mock.calls.map(([, , options]) => options?.durability);
    expect(durabilities).toEqual(["strict", "strict", "default"]);
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

  it("still holds what it held (IndexedDB)", async () => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    const first = await openIndexedDbStore("again");
    await first.apply([putValue("installation_id", "kept")]);
    await first.close();
    const second = await openIndexedDbStore("again");
    expect(await getValue(second, "installation_id")).toBe("kept");
    await second.close();
  });
});
