/**
 * The log of one conversation in SQL [L1] [L2]: rows in, entries out. Dense and append-only.
 * It never decides who may write; it only keeps what was decided.
 */
import { base64 } from "@scure/base";
import type { Entry } from "../../src/protocol/entry.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import type { Submission } from "../rpc.ts";
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
  kind: "message" | "commit";
  silent: number;
  sent_at: number;
  epoch: number;
  roster_change: string | null;
  body: ArrayBuffer;
};

/** Undefined for base64 that is not canonical: two spellings of one body would not be one body to everybody. */
export function decodedBody(envelope: string): Uint8Array | undefined {
  try {
    return base64.decode(envelope);
  } catch {
    return undefined;
  }
}

export function insertEntry(
  sql: SqlStorage,
  at: { seq: number; sentAt: number; author: DeviceRef },
  submission: Submission,
  body: Uint8Array,
): LoggedEntry {
  const { author, seq, sentAt } = at;
  const change = submission.roster_change;
  sql.exec(
    "INSERT INTO entries (seq, message_id, sender_id, device_id, kind, silent, sent_at, epoch, roster_change, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    seq,
    submission.message_id,
    author.user_id,
    author.device_id,
    change === undefined ? "message" : "commit",
    submission.silent ? 1 : 0,
    sentAt,
    submission.epoch,
    change === undefined ? null : JSON.stringify(change),
    body,
  );
  const common = {
    seq,
    message_id: submission.message_id,
    // What the row keeps of it: the entry reads the same from memory and from storage.
    sender: { user_id: author.user_id, device_id: author.device_id },
    sent_at: sentAt,
    epoch: submission.epoch,
  };
  const entry: Entry =
    change === undefined
      ? { kind: "message", ...common, silent: submission.silent, envelope: submission.envelope }
      : { kind: "commit", ...common, envelope: submission.envelope, roster_change: change };
  return logged(entry, author);
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
export function hasBody(sql: SqlStorage, seq: number, submission: Submission, body: Uint8Array): boolean {
  const row = sql
    .exec<{ body: ArrayBuffer; kind: string }>("SELECT body, kind FROM entries WHERE seq = ?", seq)
    .one();
  const isCommit = submission.roster_change !== undefined;
  return (row.kind === "commit") === isCommit && isEqual(new Uint8Array(row.body), body);
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function toEntry(row: EntryRow): Entry {
  const sender = { user_id: row.sender_id, device_id: row.device_id };
  const common = { seq: row.seq, message_id: row.message_id, sender, sent_at: row.sent_at, epoch: row.epoch };
  const envelope = base64.encode(new Uint8Array(row.body));
  return row.roster_change === null
    ? { kind: "message", ...common, silent: row.silent === 1, envelope }
    : { kind: "commit", ...common, envelope, roster_change: JSON.parse(row.roster_change) };
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
