// A client with a planted bug: its store says that a change is durable two seconds before it is on disk. So it
// acknowledges entries and takes messages that a kill -9 makes it forget. Its log-in alone is kept at once.
import { runClient } from "../../../chaos/client/client.ts";
import type { ClientSettings } from "../../../chaos/client/messages.ts";
import { openSqliteStore } from "../../../src/client/node.ts";
import { type Change, getValue, putValue, type Store } from "../../../src/client/store/store.ts";

const lateMs = 2_000;

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
      await disk.apply(changes.filter(({ table }) => table === "values"));
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
  for (const key of ["session", "owner", "installation_id", "inbox_store_id"] as const) {
    const value = await getValue(store, key);
    if (value !== null) changes.push(putValue(key, value));
  }
  for (const put of await store.all("outbox")) changes.push({ table: "outbox", put });
  for (const conversation of await store.all("conversations")) {
    const { conversationId } = conversation;
    changes.push({ table: "conversations", put: conversation });
    for (const put of await store.range("entries", { conversationId }))
      changes.push({ table: "entries", put });
    for (const put of await store.range("messages", { conversationId }))
      changes.push({ table: "messages", put });
  }
  return changes;
}

const settings = JSON.parse(process.argv[2] ?? "") as ClientSettings;
await runClient(settings, await openForgetfulStore(settings.storePath));
