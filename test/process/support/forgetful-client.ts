// A client with a planted bug: its store says that a change is durable two seconds before it is on disk. So it
// acknowledges entries and takes messages that a kill -9 makes it forget. Its log-in and keys alone are kept at once.
import { runClient } from "../../../chaos/client/client.ts";
import type { ClientSettings } from "../../../chaos/client/messages.ts";
import { openSqliteStore } from "../../../src/client/node.ts";
import { type Change, type Store, tableNames } from "../../../src/client/store/store.ts";

const lateMs = 2_000;
/** The log-in and the device's keys: without them it would be another device. */
const atOnce: ReadonlySet<string> = new Set(["values", "keys", "keyPackages"]);

async function openForgetfulStore(path: string): Promise<Store> {
  const disk = await openSqliteStore(path);
  const memory = await openSqliteStore(":memory:");
  await memory.apply(await everythingIn(disk));
  return {
    get: (table, key) => memory.get(table, key),
    range: (table, range) => memory.range(table, range),
    all: (table) => memory.all(table),
    countUnread: (...range) => memory.countUnread(...range),
    apply: async (changes) => {
      await memory.apply(changes);
      await disk.apply(changes.filter(({ table }) => atOnce.has(table)));
      setTimeout(() => void disk.apply(changes), lateMs);
    },
    wipe: async () => {
      await Promise.all([memory.wipe(), disk.wipe()]);
    },
    close: async () => {
      await Promise.all([memory.close(), disk.close()]);
    },
  };
}

async function everythingIn(store: Store): Promise<Change[]> {
  const changes: Change[] = [];
  for (const table of tableNames)
    for (const put of await store.all(table)) changes.push({ table, put } as Change);
  return changes;
}

const settings = JSON.parse(process.argv[2] ?? "") as ClientSettings;
await runClient(settings, await openForgetfulStore(settings.storePath));
