/**
 * The leader's desk: what its parts share. Conversation records are cached here, as only the leader writes; the cache
 * changes after the store has committed, never before. Work on one conversation runs one after the other (`inTurn`).
 */
import type { KittiwakeEvent } from "../contract.ts";
import type { Environment } from "../environment.ts";
import type { HttpRequest } from "../http-api.ts";
import type { ConversationRecord, SessionRecord } from "../store/records.ts";
import type { Change, Store } from "../store/store.ts";
import { withWatermarks } from "./conversation-state.ts";
import { queued } from "./queue.ts";

export interface DeskOptions {
  environment: Environment;
  store: Store;
  session(): SessionRecord;
  call<T>(request: HttpRequest<T>): Promise<T>;
  upload(path: string, bytes: Uint8Array): Promise<void>;
  download(path: string): Promise<Uint8Array>;
  emit(event: KittiwakeEvent): void;
}

/** Changes of another part that belong into the same transaction. Asked for when it is their turn to be written. */
export interface Joined {
  changes(): readonly Change[];
  /** They are in the store; nothing else was written in between. */
  committed(): void;
}

export class Desk {
  readonly environment: Environment;
  readonly store: Store;
  readonly call: DeskOptions["call"];
  readonly upload: DeskOptions["upload"];
  readonly download: DeskOptions["download"];
  readonly emit: DeskOptions["emit"];
  /** This device was not in the conversation, or out of it, and is in it now. */
  onIn: (conversationId: string) => void = () => {};
  readonly #session: () => SessionRecord;
  readonly #records = new Map<string, ConversationRecord>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #writes = new Map<string, Promise<unknown>>();

  constructor(options: DeskOptions) {
    this.environment = options.environment;
    this.store = options.store;
    this.call = options.call;
    this.upload = options.upload;
    this.download = options.download;
    this.emit = options.emit;
    this.#session = options.session;
  }

  get session(): SessionRecord {
    return this.#session();
  }

  async load(): Promise<void> {
    for (const record of await this.store.all("conversations"))
      this.#records.set(record.conversationId, record);
  }

  conversation(conversationId: string): ConversationRecord | null {
    return this.#records.get(conversationId) ?? null;
  }
  conversations(): ConversationRecord[] {
    return [...this.#records.values()];
  }

  /** Commits `record` and `changes` together, then tells. Only in the conversation's turn. */
  async commit(record: ConversationRecord, changes: readonly Change[], joined?: Joined): Promise<void> {
    const { conversationId } = record;
    await this.exclusively(conversationId, async () => {
      const current = this.#records.get(conversationId);
      await this.#write(current === undefined ? record : withMarksOf(record, current), changes, joined);
    });
  }

  /**
   * A change of read marks and receipts. It waits for no turn, because a turn may wait for the network; `change` is
   * given the present record, and null means there is nothing to change.
   */
  async changeMarks(
    conversationId: string,
    change: (record: ConversationRecord) => ConversationRecord | null,
  ): Promise<void> {
    await this.exclusively(conversationId, async () => {
      const current = this.#records.get(conversationId);
      const changed = current === undefined ? null : change(current);
      if (changed !== null) await this.#write(changed, []);
    });
  }

  async #write(record: ConversationRecord, changes: readonly Change[], joined?: Joined): Promise<void> {
    const all = [...changes, ...(joined?.changes() ?? [])];
    await this.store.apply([{ table: "conversations", put: record }, ...all]);
    const wasIn = this.#records.get(record.conversationId)?.isMember === true;
    this.#records.set(record.conversationId, record);
    joined?.committed();
    if (!wasIn && record.isMember) this.onIn(record.conversationId);
    this.emit({ type: "messages", conversationId: record.conversationId });
    this.emit({ type: "conversations" });
  }

  /**
   * Runs what writes to the store alone: nobody else's write of this conversation comes between a look at memory and the
   * commit of what follows from it. Waits for no network.
   */
  exclusively<T>(conversationId: string, work: () => Promise<T>): Promise<T> {
    return queued(this.#writes, conversationId, work);
  }

  /** Runs `work` after everything queued for this conversation before. */
  inTurn<T>(conversationId: string, work: () => Promise<T>): Promise<T> {
    return queued(this.#turns, conversationId, work);
  }
}

/** Marks that rose while a turn was busy with an older copy of the record. */
function withMarksOf(record: ConversationRecord, current: ConversationRecord): ConversationRecord {
  if (record.logId !== current.logId) return record;
  const members = current.members.map(({ userId, delivered, read }) => ({
    user_id: userId,
    delivered,
    read,
  }));
  const marked = withWatermarks(record, members, "");
  return {
    ...marked,
    ownRead: Math.max(record.ownRead, current.ownRead),
    ownReadConfirmed: Math.max(record.ownReadConfirmed, current.ownReadConfirmed),
  };
}
