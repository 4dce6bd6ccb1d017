/** What the SDK offers in Node only, apart from the rest so that no browser bundle meets `node:sqlite`. */
import { openSqliteStore as open } from "./store/sqlite.ts";
import type { Store } from "./store/store.ts";

/** `path` is a file, or ":memory:". */
export async function openSqliteStore(path: string): Promise<Store> {
  return await open(path);
}
