/**
 * The log of one conversation in SQL [L1] [L2]: rows in, entries out. Dense and append-only.
 * It never decides who may write; it only keeps what was decided.
 */
import { base64 } from "@scure/base";
import type { z } from "zod";
import type { Entry, messageEntrySchema } from "../../src/protocol/entry.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import type { Blob as BlobRef, RosterChange } from "../../src/protocol/mls.ts";
import type { Draft } from "./draft.ts";
import type { IdRow } from "./recent-ids.ts";

/** An entry with its JSON, serialised once for every reader. */
export interface LoggedEntry {
  seq: number;
  author: DeviceRef;
  silent: boolean;
  json: string;
  message_id: string;
  sent_at: number;
}

type EntryRow = {
  seq: number;
  message_id: string;
  sender_id: string;
  device_id: number;
  kind: "message" | "commit" | "leave";
  silent: number;
  sent_at: number;
  epoch: number;
  roster_change: string | null;
  extra: string | null;
  body: ArrayBuffer;
};
/** What commits and leaves say beside their body. `envelope`: where the body lies, if not in the row. */
interface Extra {
  generation: number;
  sealed_state?: BlobRef | null;
  envelope?: BlobRef;
}

/** `body` as the draft decoded it. */
export function insertEntry(
  sql: SqlStorage,
  at: { seq: number; sentAt: number; author: DeviceRef },
  draft: Draft,
  body: Uint8Array,
): LoggedEntry {
  const { author, seq, sentAt } = at;
  const extra = extraOf(draft);
  sql.exec(
    "INSERT INTO entries (seq, message_id, sender_id, device_id, kind, silent, sent_at, epoch, roster_change, extra, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    seq,
    draft.message_id,
    author.user_id,
    author.device_id,
    draft.kind,
    draft.silent ? 1 : 0,
    sentAt,
    draft.epoch,
    draft.kind === "commit" ? JSON.stringify(draft.roster_change) : null,
    extra === null ? null : JSON.stringify(extra),
    body,
  );
  const common = {
    seq,
    message_id: draft.message_id,
    // What the row keeps of it: the entry reads the same from memory and from storage.
    sender: { user_id: author.user_id, device_id: author.device_id },
    sent_at: sentAt,
    epoch: draft.epoch,
  };
  return logged(entryOf(common, draft), author);
}

function extraOf(draft: Draft): Extra | null {
  if (draft.kind === "message") return null;
  if (draft.kind === "leave") return { generation: draft.generation };
  const { generation, sealed_state, envelope } = draft;
  return { generation, sealed_state, ...(typeof envelope !== "string" && { envelope }) };
}

type CommonOfEntry = Pick<
  z.infer<typeof messageEntrySchema>,
  "seq" | "message_id" | "sender" | "sent_at" | "epoch"
>;

function entryOf(common: CommonOfEntry, draft: Draft): Entry {
  if (draft.kind === "message")
    return { kind: "message", ...common, silent: draft.silent, envelope: draft.envelope };
  const { generation } = draft;
  if (draft.kind === "leave") return { kind: "leave", ...common, generation, envelope: draft.envelope };
  const { envelope, sealed_state, roster_change } = draft;
  return { kind: "commit", ...common, generation, envelope, sealed_state, roster_change };
}

/** Entries from … to, in order, stopping early at about `bytesMax` of JSON but never before the first. */
export function readEntries(sql: SqlStorage, from: number, to: number, bytesMax: number): LoggedEntry[] {
  const found: LoggedEntry[] = [];
  let bytes = 0;
  for (const row of sql.exec<EntryRow>(
    "SELECT * FROM entries WHERE seq BETWEEN ? AND ? ORDER BY seq",
    from,
    to,
  )) {
    const entry = logged(toEntry(row), { user_id: row.sender_id, device_id: row.device_id });
    bytes += entry.json.length;
    if (found.length > 0 && bytes > bytesMax) break;
    found.push(entry);
  }
  return found;
}

export function idRows(sql: SqlStorage, after: number, upTo: number): Iterable<IdRow> {
  return sql.exec<IdRow & Record<string, SqlStorageValue>>(
    "SELECT seq, message_id, sender_id, device_id FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq",
    after,
    upTo,
  );
}

/** What the log says of one seq, without its body; undefined past the head. */
export function entryHead(sql: SqlStorage, seq: number): { message_id: string; sent_at: number } | undefined {
  return sql
    .exec<{ message_id: string; sent_at: number }>(
      "SELECT message_id, sent_at FROM entries WHERE seq = ?",
      seq,
    )
    .toArray()[0];
}

export function lastEntryHead(
  sql: SqlStorage,
): { seq: number; message_id: string; sent_at: number } | undefined {
  return sql
    .exec<{ seq: number; message_id: string; sent_at: number }>(
      "SELECT seq, message_id, sent_at FROM entries ORDER BY seq DESC LIMIT 1",
    )
    .toArray()[0];
}

/** [L3] Whether the entry at `seq` has this very body, of this very kind. */
export function hasBody(sql: SqlStorage, seq: number, draft: Draft, body: Uint8Array): boolean {
  const row = sql
    .exec<{ body: ArrayBuffer; kind: string; extra: string | null }>(
      "SELECT body, kind, extra FROM entries WHERE seq = ?",
      seq,
    )
    .one();
  const named = (row.extra === null ? {} : (JSON.parse(row.extra) as Partial<Extra>)).envelope;
  const isSamePlace = hashIn(named) === hashIn(draft.envelope);
  return row.kind === draft.kind && isSamePlace && isEqual(new Uint8Array(row.body), body);
}

function hashIn(blob: BlobRef | undefined): string | undefined {
  return typeof blob === "object" ? blob.hash : undefined;
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function toEntry(row: EntryRow): Entry {
  const sender = { user_id: row.sender_id, device_id: row.device_id };
  const common = { seq: row.seq, message_id: row.message_id, sender, sent_at: row.sent_at, epoch: row.epoch };
  const body = base64.encode(new Uint8Array(row.body));
  if (row.kind === "message") return { kind: "message", ...common, silent: row.silent === 1, envelope: body };
  const extra: Extra = row.extra === null ? { generation: 1 } : JSON.parse(row.extra);
  const { generation, sealed_state = null, envelope = body } = extra;
  if (row.kind === "leave") return { kind: "leave", ...common, generation, envelope: body };
  const roster_change: RosterChange = JSON.parse(row.roster_change ?? '{"add":[],"remove":[]}');
  return { kind: "commit", ...common, generation, envelope, sealed_state, roster_change };
}

function logged(entry: Entry, author: DeviceRef): LoggedEntry {
  const silent = entry.kind !== "message" || entry.silent;
  return {
    seq: entry.seq,
    author,
    silent,
    json: JSON.stringify(entry),
    message_id: entry.message_id,
    sent_at: entry.sent_at,
  };
}
