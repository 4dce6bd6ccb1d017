/**
 * The user's conversations, newest first, in pages [D4]. The order may lag by an hour: a row is written when a chat is
 * first seen, when its known activity is that old, or when a chat socket closes. Devices sort again by what they hold.
 */
import type { z } from "zod";
import type { chatListSchema } from "../../src/protocol/http.ts";
import { limits } from "../../src/protocol/limits.ts";

export interface Note {
  conversation_id: string;
  kind: "direct" | "group";
  last_activity_at: number;
}
type Row = { conversation_id: string; kind: "direct" | "group"; last_activity_at: number };

const lagMs = 60 * 60_000;

export class ChatList {
  #sql: SqlStorage;
  /** Last activity as written, for chats that were asked about since waking. */
  #known = new Map<string, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Writes at most one row; `exact` when the order is to be right now. */
  note(note: Note, exact = false): void {
    const known = this.#known.get(note.conversation_id) ?? this.#read(note.conversation_id);
    const lag = exact ? 0 : lagMs;
    if (known !== undefined && note.last_activity_at <= known + lag) {
      this.#known.set(note.conversation_id, known);
      return;
    }
    this.#sql.exec(
      "INSERT OR REPLACE INTO conversations (conversation_id, kind, last_activity_at) VALUES (?, ?, ?)",
      note.conversation_id,
      note.kind,
      note.last_activity_at,
    );
    this.#known.set(note.conversation_id, note.last_activity_at);
  }

  has(conversationId: string): boolean {
    if (this.#known.has(conversationId)) return true;
    const lastActivityAt = this.#read(conversationId);
    if (lastActivityAt !== undefined) this.#known.set(conversationId, lastActivityAt);
    return lastActivityAt !== undefined;
  }

  /** `before` is what the page before gave as `next`. */
  page(before: string | null): z.infer<typeof chatListSchema> {
    const [time, id] = parseCursor(before);
    const rows = this.#sql
      .exec<Row>(
        "SELECT conversation_id, kind, last_activity_at FROM conversations WHERE (last_activity_at, conversation_id) < (?, ?) ORDER BY last_activity_at DESC, conversation_id DESC LIMIT ?",
        time,
        id,
        limits.chatListPageMax,
      )
      .toArray();
    const last = rows.length === limits.chatListPageMax ? rows.at(-1) : undefined;
    return {
      conversations: rows,
      next: last === undefined ? null : `${last.last_activity_at}.${last.conversation_id}`,
    };
  }

  /** Ids after one in their own order: the durable walk over all chats. */
  idsAfter(conversationId: string): string[] {
    const rows = this.#sql.exec<{ conversation_id: string }>(
      "SELECT conversation_id FROM conversations WHERE conversation_id > ? ORDER BY conversation_id LIMIT ?",
      conversationId,
      limits.chatListPageMax,
    );
    return [...rows].map((row) => row.conversation_id);
  }

  #read(conversationId: string): number | undefined {
    return this.#sql
      .exec<{ last_activity_at: number }>(
        "SELECT last_activity_at FROM conversations WHERE conversation_id = ?",
        conversationId,
      )
      .toArray()[0]?.last_activity_at;
  }
}

function parseCursor(before: string | null): [time: number, id: string] {
  const match = before === null ? null : /^(\d{1,15})\.([A-Za-z0-9_-]{43})$/.exec(before);
  return match === null ? [Number.MAX_SAFE_INTEGER, "~"] : [Number(match[1]), match[2] ?? "~"];
}
