/**
 * [F9] A mark (device, conversation) stands for everything that a device lacks of a conversation: beyond a bound nothing
 * more is held for it entry by entry, and on return it reads the rest from the log, page by page. [F3] A device with a
 * mark gets no copies. The mark names no seq, for the device knows best where it stands.
 */
export class Marks {
  #sql: SqlStorage;
  /** Known only as long as it is true: a write that is undone must not leave a mark behind that is not stored. */
  #areNone = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  has(deviceId: number, conversationId: string): boolean {
    if (this.#areNone) return false;
    const isAny = this.#finds("SELECT 1 FROM marks LIMIT 1");
    this.#areNone = !isAny;
    return (
      isAny &&
      this.#finds("SELECT 1 FROM marks WHERE device_id = ? AND conversation_id = ?", deviceId, conversationId)
    );
  }

  add(deviceId: number, conversationId: string): void {
    this.#areNone = false;
    this.#sql.exec(
      "INSERT OR IGNORE INTO marks (device_id, conversation_id) VALUES (?, ?)",
      deviceId,
      conversationId,
    );
  }

  remove(deviceId: number, conversationId: string): void {
    if (!this.has(deviceId, conversationId)) return;
    this.#sql.exec("DELETE FROM marks WHERE device_id = ? AND conversation_id = ?", deviceId, conversationId);
  }
  dropDevice(deviceId: number): void {
    this.#sql.exec("DELETE FROM marks WHERE device_id = ?", deviceId);
  }

  /** Bounded by the number of the user's conversations. */
  ofDevice(deviceId: number, countMax: number = Number.MAX_SAFE_INTEGER): string[] {
    if (this.#areNone) return [];
    const rows = this.#sql.exec<{ conversation_id: string }>(
      "SELECT conversation_id FROM marks WHERE device_id = ? ORDER BY conversation_id LIMIT ?",
      deviceId,
      countMax,
    );
    return [...rows].map((row) => row.conversation_id);
  }

  #finds(query: string, ...values: SqlStorageValue[]): boolean {
    return this.#sql.exec(query, ...values).toArray().length > 0;
  }
}
