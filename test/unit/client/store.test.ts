import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { afterAll, describe, expect, it, vi } from "vitest";
import { openIndexedDbStore } from "../../../src/client/store/indexeddb.ts";
import { openSqliteStore } from "../../../src/client/store/sqlite.ts";
import { getValue, putValue } from "../../../src/client/store/store.ts";
import { storeContract } from "./store-contract.ts";

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
