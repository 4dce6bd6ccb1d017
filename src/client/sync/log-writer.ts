/**
 * Takes entries into the store: opened, shown, with the keys they changed and the cursor, in one transaction [E8], under
 * the lock of the conversation's group. What an entry needs before it can be read is fetched outside of it.
 */
import type { ReceivedEntries, ReceivedEntry } from "../connection/frames.ts";
import type { Content } from "../content.ts";
import type { CryptoPort } from "../crypto/port.ts";
import type { HeldGroups } from "../groups/held-groups.ts";
import type { ConversationRecord } from "../store/records.ts";

import type { CommitBytes } from "./commit-state.ts";
import { withProof } from "./conversation-state.ts";
import type { Desk, Joined } from "./desk.ts";
import { EntryReader } from "./entry-reader.ts";
import { type EntriesPlan, planEntries } from "./plan-entries.ts";
import type { FollowUp, Need, Reading } from "./reading.ts";

/** What the outbox does when its messages turn up in the log, or the log is another. */
export interface OutboxLink {
  content(conversationId: string, messageId: string): Content | null;
  /** They go, in the transaction of the entries that prove them. */
  settled(conversationId: string, messageIds: readonly string[]): Joined;
}

/** What needs the network: fetching what entries need, and everything that follows from them. */
export interface LogHelp {
  provide(conversationId: string, need: Need): Promise<void>;
  /** Large commits lie beside the log. */
  blobs(conversationId: string, entries: readonly ReceivedEntry[]): Promise<Map<number, CommitBytes>>;
  follow(conversationId: string, followUps: readonly FollowUp[]): void;
}

export type Batch = Pick<ReceivedEntries, "log_id" | "entries" | "mac">;

export class LogWriter {
  readonly #desk: Desk;
  readonly #outbox: OutboxLink;
  readonly #groups: HeldGroups;
  readonly #crypto: CryptoPort;
  help: LogHelp = {
    provide: async () => {},
    blobs: async () => new Map(),
    follow: () => {},
  };

  constructor(desk: Desk, outbox: OutboxLink, groups: HeldGroups, crypto: CryptoPort) {
    this.#desk = desk;
    this.#outbox = outbox;
    this.#groups = groups;
    this.#crypto = crypto;
  }

  /** In the conversation's turn. `start`: a record to start from instead of the present one. */
  async take(conversationId: string, batch: Batch, start?: ConversationRecord): Promise<EntriesPlan> {
    const settled: Need[] = [];
    const blobs = await this.help.blobs(conversationId, batch.entries);
    for (;;) {
      const plan = await this.#groups.locked(conversationId, () =>
        this.#takeLocked(conversationId, batch, { settled, blobs, start }),
      );
      if (plan.followUps.length > 0) this.help.follow(conversationId, plan.followUps);
      if (plan.need === null) return plan;
      await this.help.provide(conversationId, plan.need);
      settled.push(plan.need);
      start = undefined;
    }
  }

  async #takeLocked(
    conversationId: string,
    batch: Batch,
    context: {
      settled: readonly Need[];
      blobs: ReadonlyMap<number, CommitBytes>;
      start: ConversationRecord | undefined;
    },
  ): Promise<EntriesPlan> {
    const { store, session } = this.#desk;
    const present = this.#desk.conversation(conversationId);
    const record = context.start ?? present;
    if (record === null) throw new Error("The conversation is not on this device.");
    const before = await this.#reading(record);
    const reader = new EntryReader({
      store,
      crypto: this.#crypto,
      self: session,
      ownContent: (id, messageId) => this.#outbox.content(id, messageId),
      blobs: context.blobs,
      settled: context.settled,
    });
    const plan = await planEntries({ store, reader, self: session }, before, batch.entries);
    await this.#commit(plan, before, batch, present);
    return plan;
  }

  async #reading(record: ConversationRecord): Promise<Reading> {
    const { store } = this.#desk;
    const { conversationId } = record;
    return {
      record,
      group: await this.#groups.get(conversationId),
      document: await store.get("documents", [conversationId]),
      pending: await store.get("pendingCommits", [conversationId]),
    };
  }

  async #commit(
    plan: EntriesPlan,
    before: Reading,
    batch: Batch,
    present: ConversationRecord | null,
  ): Promise<void> {
    const { conversationId } = before.record;
    const last = batch.entries.at(-1);
    const { log_id, mac } = batch;
    const record =
      last === undefined || mac === undefined
        ? plan.reading.record
        : withProof(plan.reading.record, { log_id, seq: last.seq, message_id: last.message_id, mac });
    plan.reading = { ...plan.reading, record };
    const isNothingNew = plan.changes.length === 0 && record.cursor.seq === present?.cursor.seq;
    const isSameLog = record.logId === present?.logId && record.proven === present.proven;
    if (isNothingNew && isSameLog && record.head === present?.head) return;
    const { group } = plan.reading;
    const keys = this.#groups.changes(conversationId, before.group, group);
    const settled = this.#outbox.settled(conversationId, plan.ownIds);
    await this.#desk.commit(record, [...plan.changes, ...keys], {
      changes: settled.changes,
      committed: () => {
        // Before the outbox looks for work: it seals with the group that is held here.
        this.#groups.stored(conversationId, group);
        settled.committed();
      },
    });
  }
}
