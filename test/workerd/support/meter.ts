/** What a message costs: rows written and alarms set in two objects, and calls between objects (design.md section 10). */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import { Conversation } from "../../../durable/conversation/conversation.ts";
import { Inbox } from "../../../durable/inbox/inbox.ts";

export class Meter {
  #cursors: { query: string; cursor: SqlStorageCursor<Record<string, SqlStorageValue>> }[] = [];
  #alarms = 0;
  readonly calls: string[] = [];

  /** From now on, until the object is evicted. */
  async watch(stub: DurableObjectStub<Conversation> | DurableObjectStub<Inbox>): Promise<void> {
    await runInDurableObject(stub as DurableObjectStub<Inbox>, (_, { storage }) => {
      const exec = storage.sql.exec.bind(storage.sql) as SqlStorage["exec"];
      const setAlarm = storage.setAlarm.bind(storage);
      // Own properties: the object holds on to these very storage objects.
      storage.sql.exec = ((query: string, ...values: SqlStorageValue[]) => {
        const cursor = exec(query, ...values);
        if (!/^\s*SELECT/i.test(query)) this.#cursors.push({ query, cursor });
        return cursor;
      }) as SqlStorage["exec"];
      storage.setAlarm = (at, options) => {
        this.#alarms += 1;
        return setAlarm(at, options);
      };
    });
  }

  /** Calls between objects that cost a request each. */
  watchCalls(): void {
    this.#spyOn(Conversation.prototype, ["submit", "acked", "dropDevice"]);
    this.#spyOn(Inbox.prototype, ["deliver", "receipts", "note"]);
  }

  get rows(): number {
    return this.#alarms + this.#cursors.reduce((sum, { cursor }) => sum + cursor.rowsWritten, 0);
  }

  /** Rows by table, for a failing bound to explain itself. */
  get details(): string {
    const counts = new Map<string, number>([["alarm", this.#alarms]]);
    for (const { query, cursor } of this.#cursors) {
      const what = /(INTO|UPDATE|FROM)\s+(\w+)/i.exec(query);
      const key = `${query.trim().split(/\s/)[0]?.toLowerCase()} ${what?.[2]}`;
      counts.set(key, (counts.get(key) ?? 0) + cursor.rowsWritten);
    }
    return [...counts]
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${what} ${count}`)
      .join(", ");
  }

  #spyOn<T extends object>(prototype: T, names: (keyof T & string)[]): void {
    for (const name of names) {
      const original = prototype[name] as (...args: unknown[]) => unknown;
      const { calls } = this;
      vi.spyOn(prototype as Record<string, () => unknown>, name).mockImplementation(function (
        this: unknown,
        ...args: unknown[]
      ) {
        calls.push(name);
        return original.apply(this, args);
      } as () => unknown);
    }
  }
}
