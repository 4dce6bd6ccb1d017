/** Token buckets in rows: what bounds claims must not be full again after every hibernation [F10]. */

export interface Bucket {
  name: string;
  burst: number;
  perMs: number;
}

/** Takes `count`; returns 0, or how long to wait in milliseconds, and then nothing was taken. */
export function take(sql: SqlStorage, { name, burst, perMs }: Bucket, now: number, count = 1): number {
  const row = sql
    .exec<{ tokens: number; at: number }>("SELECT tokens, at FROM buckets WHERE name = ?", name)
    .toArray()[0];
  const tokens = Math.min(burst, (row?.tokens ?? burst) + Math.max(0, now - (row?.at ?? now)) * perMs);
  if (tokens < count) return Math.ceil((count - tokens) / perMs);
  sql.exec("INSERT OR REPLACE INTO buckets (name, tokens, at) VALUES (?, ?, ?)", name, tokens - count, now);
  return 0;
}

/** Buckets that nobody touched for so long are full, and need no row. */
export function dropFull(sql: SqlStorage, now: number, refillMs: number): void {
  sql.exec("DELETE FROM buckets WHERE at < ?", now - refillMs);
}
