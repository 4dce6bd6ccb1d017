/**
 * MLS objects of one conversation by their hash (E2): what a commit brings for those who come in. Small ones lie in a
 * row; large ones in R2, where nothing is written that has no row here first, so that whatever nobody names is found and
 * swept. An object stays while the log, a Welcome that somebody awaits, or the present epoch names it.
 */
import { base64 } from "@scure/base";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { Blob as BlobRef } from "../../src/protocol/mls.ts";
import type { DecodedBlob, DecodedObjects } from "./draft.ts";

type Row = { hash: string; size: number; bytes: ArrayBuffer | null; is_stored: number };

const unnamed = `is_logged = 0
  AND hash NOT IN (SELECT tree_hash FROM group_info)
  AND hash NOT IN (SELECT welcome_hash FROM welcomes UNION SELECT tree_hash FROM welcomes)`;

/** Whether everything that was named instead of sent was uploaded. */
export function areStored(sql: SqlStorage, { welcome, tree, logged }: DecodedObjects): boolean {
  return [welcome, tree, ...logged].every(
    (blob) => blob === null || blob.bytes !== null || isStored(sql, blob),
  );
}

function isStored(sql: SqlStorage, { hash, size }: DecodedBlob): boolean {
  const row = rowOf(sql, hash);
  return row?.is_stored === 1 && row.size === size;
}

/** Keeps what came along, and what the log names for as long as the log stands. */
export function keepObject(sql: SqlStorage, blob: DecodedBlob, isLogged: boolean, now: number): void {
  if (blob.bytes !== null)
    sql.exec(
      "INSERT OR IGNORE INTO objects (hash, size, bytes, is_stored, is_logged, announced_at) VALUES (?, ?, ?, 1, 0, ?)",
      blob.hash,
      blob.size,
      blob.bytes,
      now,
    );
  if (isLogged) sql.exec("UPDATE objects SET is_logged = 1 WHERE hash = ?", blob.hash);
}

/** The object as the wire has it. */
export function blobOf(sql: SqlStorage, hash: string): BlobRef | undefined {
  const row = rowOf(sql, hash);
  if (row === undefined) return undefined;
  return row.bytes === null ? { hash, size: row.size } : base64.encode(new Uint8Array(row.bytes));
}

function rowOf(sql: SqlStorage, hash: string): Row | undefined {
  return sql.exec<Row>("SELECT hash, size, bytes, is_stored FROM objects WHERE hash = ?", hash).toArray()[0];
}

/** Rows with bytes that nobody names any more go at once. */
export function dropUnnamedRows(sql: SqlStorage): void {
  sql.exec(`DELETE FROM objects WHERE bytes IS NOT NULL AND ${unnamed}`);
}

/** An upload is about to be written to R2. False when this device has too many that no entry names. */
export function announceUpload(
  sql: SqlStorage,
  { hash, by }: { hash: string; by: DeviceRef },
  now: number,
): boolean {
  const { count } = sql
    .exec<{ count: number }>(
      `SELECT count(*) AS count FROM objects WHERE announced_by = ? AND ${unnamed}`,
      deviceKey(by),
    )
    .one();
  if (count >= limits.blobsUnnamedPerDeviceMax && rowOf(sql, hash) === undefined) return false;
  sql.exec(
    `INSERT INTO objects (hash, size, bytes, is_stored, is_logged, announced_at, announced_by)
     VALUES (?, 0, NULL, 0, 0, ?, ?) ON CONFLICT (hash) DO UPDATE SET announced_at = excluded.announced_at`,
    hash,
    now,
    deviceKey(by),
  );
  return true;
}

export function uploaded(sql: SqlStorage, hash: string, size: number): void {
  sql.exec("UPDATE objects SET is_stored = 1, size = ? WHERE hash = ? AND bytes IS NULL", size, hash);
}

/** Large objects that nobody named for an hour, and no longer counts as stored from here on. */
export function takeSweepable(sql: SqlStorage, now: number): string[] {
  const rows = sql.exec<{ hash: string }>(
    `UPDATE objects SET is_stored = 0 WHERE bytes IS NULL AND announced_at <= ? AND ${unnamed} RETURNING hash`,
    now - limits.blobUnnamedLifetimeMs,
  );
  return rows.toArray().map((row) => row.hash);
}

export function swept(sql: SqlStorage, hash: string): void {
  sql.exec(`DELETE FROM objects WHERE hash = ? AND is_stored = 0`, hash);
}

/** When the next large object falls due, or null. */
export function nextSweepAt(sql: SqlStorage): number | null {
  const { at } = sql
    .exec<{ at: number | null }>(
      `SELECT min(announced_at) AS at FROM objects WHERE bytes IS NULL AND ${unnamed}`,
    )
    .one();
  return at === null ? null : at + limits.blobUnnamedLifetimeMs;
}

/** Undefined for what was announced and did not come. */
export function storedSize(sql: SqlStorage, hash: string): number | undefined {
  const row = rowOf(sql, hash);
  return row?.is_stored === 1 ? row.size : undefined;
}
