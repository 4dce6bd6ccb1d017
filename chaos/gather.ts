/** Reads what is there in the end: the stores as they lie on disk, and the log by HTTP as any device may. */
import { decodeContent } from "../src/client/content.ts";
import { openSqliteStore } from "../src/client/node.ts";
import { getValue, type Store } from "../src/client/store/store.ts";
import type { Entry } from "../src/protocol/entry.ts";
import { type Page, pageSchema } from "../src/protocol/receive.ts";
import type { Copy, LogEntry } from "./judge/evidence.ts";

/** Works beside the client whose store it is, too. */
export async function withStore<T>(path: string, read: (store: Store) => Promise<T>): Promise<T> {
  const store = await openSqliteStore(path);
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}

export async function copyIn(store: Store, owner: string, conversationId: string): Promise<Copy> {
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

export async function accessTokenIn(store: Store): Promise<string> {
  const session = await getValue(store, "session");
  if (session === null) throw new Error("a client was logged out");
  return session.accessToken;
}

export async function readLog(url: string, accessToken: string, conversationId: string): Promise<LogEntry[]> {
  const log: LogEntry[] = [];
  let page: Page;
  do {
    page = await readPage(url, accessToken, conversationId, log.at(-1)?.seq ?? 0);
    for (const entry of page.entries) log.push(await logEntryOf(entry));
  } while (page.more);
  return log;
}

/** The last seq of the log. */
export async function readHead(url: string, accessToken: string, conversationId: string): Promise<number> {
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

async function logEntryOf(entry: Entry): Promise<LogEntry> {
  const { seq, message_id: messageId, sender, sent_at: sentAtMs } = entry;
  const decoded = entry.kind === "message" ? await decodeContent(entry.envelope) : null;
  const content = decoded !== null && "content" in decoded ? decoded.content : null;
  const text = content?.type === "text" ? content.text : null;
  return { seq, messageId, senderId: sender.user_id, sentAtMs, text };
}
