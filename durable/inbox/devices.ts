/** The user's devices as the Inbox knows them from the Account: who may connect, and whose copies are kept. */
export class Devices {
  #sql: SqlStorage;
  #active = new Set<number>();
  #revoked = new Set<number>();

  constructor(sql: SqlStorage, hasSchema: boolean) {
    this.#sql = sql;
    if (hasSchema) this.#load();
  }

  isActive(deviceId: number): boolean {
    return this.#active.has(deviceId);
  }
  isRevoked(deviceId: number): boolean {
    return this.#revoked.has(deviceId);
  }

  /** Idempotent; a revoked device never becomes active again: its id is not given twice. */
  add(deviceId: number): void {
    this.#sql.exec("INSERT OR IGNORE INTO devices (device_id, revoked_after) VALUES (?, NULL)", deviceId);
    this.#load();
  }

  revoke(deviceId: number): void {
    this.#sql.exec("INSERT OR IGNORE INTO devices (device_id, revoked_after) VALUES (?, NULL)", deviceId);
    this.#sql.exec(
      "UPDATE devices SET revoked_after = '' WHERE device_id = ? AND revoked_after IS NULL",
      deviceId,
    );
    this.#load();
  }

  /** Revoked devices whose conversations have not all been told yet, each with the last that was. */
  toTell(): { deviceId: number; after: string }[] {
    const rows = this.#sql
      .exec<{ device_id: number; revoked_after: string }>(
        "SELECT device_id, revoked_after FROM devices WHERE revoked_after IS NOT NULL AND revoked_after <> 'done'",
      )
      .toArray();
    return rows.map((row) => ({ deviceId: row.device_id, after: row.revoked_after }));
  }

  told(deviceId: number, after: string): void {
    this.#sql.exec("UPDATE devices SET revoked_after = ? WHERE device_id = ?", after, deviceId);
  }

  #load(): void {
    const rows = this.#sql
      .exec<{ device_id: number; revoked_after: string | null }>(
        "SELECT device_id, revoked_after FROM devices",
      )
      .toArray();
    const idsOf = (isRevoked: boolean) =>
      rows.filter((row) => (row.revoked_after !== null) === isRevoked).map((row) => row.device_id);
    this.#active = new Set(idsOf(false));
    this.#revoked = new Set(idsOf(true));
  }
}
