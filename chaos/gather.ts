/** Reads what is there in the end: the stores as they lie on disk, and the log by HTTP as any device may. */
import { openSqliteStore } from "../src/client/node.ts";
import { getValue, type Store } from "../src/client/store/store.ts";
import type { Entry } from "../src/protocol/entry.ts";
import { type Page, pageSchema } from "../src/protocol/receive.ts";
import type { Person } from "./crew.ts";
import type { Conversation, Copy, LogEntry } from "./judge/evidence.ts";

/** True when every store has reached the end of each of its logs. Works beside the clients. */
export async function isLevel(people: readonly Person[], serverUrl: string): Promise<boolean> {
  for (const person of people) {
    const isAtHeads = await withStore(person, async (store, accessToken) => {
      for (const { conversationId } of person.lanes) {
        const record = await store.get("conversations", [conversationId]);
        if (record?.cursor.seq !== (await readHead(serverUrl, accessToken, conversationId))) return false;
      }
      return true;
    });
    if (!isAtHeads) return false;
  }
  return true;
}

export async function gatherConversations(
  people: readonly Person[],
  serverUrl: string,
): Promise<Conversation[]> {
  const conversations = new Map<string, Conversation>();
  // The server cannot say what it holds: what a message says is what its sender's own store has under its id.
  const texts = new Map<string, string>();
  for (const person of people) {
    await withStore(person, async (store, accessToken) => {
      for (const { conversationId: id, sender, senderId } of person.lanes) {
        const log = conversations.get(id)?.log ?? (await readLog(serverUrl, accessToken, id));
        const copy = await copyIn(store, sender, id);
        for (const own of copy.shown.filter((message) => message.senderId === senderId))
          texts.set(own.messageId, own.text);
        conversations.set(id, { id, log, copies: [...(conversations.get(id)?.copies ?? []), copy] });
      }
    });
  }
  return [...conversations.values()].map(({ log, ...conversation }) => ({
    ...conversation,
    log: log.map((entry) => ({ ...entry, text: texts.get(entry.messageId) ?? null })),
  }));
}

async function withStore<T>(
  { process }: Person,
  read: (store: Store, accessToken: string) => Promise<T>,
): Promise<T> {
  const store = await openSqliteStore(process.settings.storePath);
  try {
    const session = await getValue(store, "session");
    if (session === null) throw new Error(`${process.settings.name} was logged out`);
    return await read(store, session.accessToken);
  } finally {
    await store.close();
  }
}

async function copyIn(store: Store, owner: string, conversationId: string): Promise<Copy> {
  const entries = await store.range("entries", { conversationId });
  const messages = await store.range("messages", { conversationId });
  return {
    owner,
    entries: entries.map(({ seq, messageId }) => ({ seq, messageId })),
    shown: messages.flatMap(({ seq, messageId, senderId, body }) =>
      body.type === "text" ? [{ seq, messageId, senderId, text: body.text }] : [],
    ),
  };
}

async function readLog(url: string, accessToken: string, conversationId: string): Promise<LogEntry[]> {
  const log: LogEntry[] = [];
  let page: Page;
  do {
    page = await readPage(url, accessToken, conversationId, log.at(-1)?.seq ?? 0);
    for (const entry of page.entries) log.push(logEntryOf(entry));
  } while (page.more);
  return log;
}

/** The last seq of the log. */
async function readHead(url: string, accessToken: string, conversationId: string): Promise<number> {
  return (await readPage(url, accessToken, conversationId, Number.MAX_SAFE_INTEGER - 1)).head;
}

async function readPage(
  url: string,
  accessToken: string,
  conversationId: string,
  after: number,
): Promise<Page> {
  const response = await fetch(`${url}/v1/conversations/${conversationId}/entries?after=${after}`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  const text = await response.text();
  if (!response.ok)
    throw new Error(`the log's page after ${after} was answered with ${response.status}: ${text}`);
  return pageSchema.parse(JSON.parse(text));
}

function logEntryOf({ seq, message_id: messageId, sender, sent_at: sentAtMs }: Entry): LogEntry {
  return { seq, messageId, senderId: sender.user_id, sentAtMs, text: null };
}
