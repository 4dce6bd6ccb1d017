/**
 * Object migrations: SQL scripts that are numbered by their place in the list, append-only, and run once per object,
 * when it first stores. `PRAGMA user_version` is refused by the runtime, so the count is kept in a table.
 * A script that was once deployed is never edited; a later one only adds, because old code still runs beside it.
 */

/** Brings the schema up to the newest migration. Idempotent; costs one read when there is nothing to do. */
export function ensureSchema(storage: DurableObjectStorage, migrations: readonly string[]): void {
  if (appliedCount(storage) >= migrations.length) return;
  storage.transactionSync(() => {
    storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, applied_at INTEGER)",
    );
    const applied = appliedCount(storage);
    for (const [index, script] of migrations.entries()) {
      if (index < applied) continue;
      storage.sql.exec(script);
      storage.sql.exec("INSERT INTO schema_migrations VALUES (?, ?)", index + 1, Date.now());
    }
  });
}

/** Whether this object has ever stored. Writes nothing, so asking a stranger's name costs no storage. */
export function schemaExists(storage: DurableObjectStorage): boolean {
  const tables = storage.sql.exec(
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'",
  );
  return tables.next().done !== true;
}

function appliedCount(storage: DurableObjectStorage): number {
  if (!schemaExists(storage)) return 0;
  const counted = storage.sql.exec<{ applied: number }>(
    "SELECT max(number) AS applied FROM schema_migrations",
  );
  return counted.one().applied ?? 0;
}
