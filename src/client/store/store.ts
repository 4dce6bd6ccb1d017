/**
 * The store port: tables ordered by key, and one atomic primitive. Whatever belongs together (cursor, entries, messages,
 * outbox, keys) changes in one `apply`: all of it or nothing [E8].
 * Both implementations are held to test/unit/client/store-contract.ts.
 */
import type {
  DocumentRecord,
  GroupRecord,
  KeyPackageRecord,
  KeysRecord,
  PendingCommitRecord,
  ProfileRecord,
  RatchetRecord,
  UsedWelcomeRecord,
} from "./key-records.ts";
import type {
  ConversationRecord,
  EntryRecord,
  MessageRecord,
  OutboxRecord,
  ValueRecord,
  Values,
} from "./records.ts";

export interface Tables {
  values: ValueRecord;
  conversations: ConversationRecord;
  entries: EntryRecord;
  messages: MessageRecord;
  outbox: OutboxRecord;
  keys: KeysRecord;
  keyPackages: KeyPackageRecord;
  groups: GroupRecord;
  ratchets: RatchetRecord;
  pendingCommits: PendingCommitRecord;
  usedWelcomes: UsedWelcomeRecord;
  documents: DocumentRecord;
  profiles: ProfileRecord;
}
export type TableName = keyof Tables;

export const tableKeys = {
  values: ["key"],
  conversations: ["conversationId"],
  entries: ["conversationId", "seq"],
  messages: ["conversationId", "seq", "sub"],
  outbox: ["conversationId", "position"],
  keys: ["name"],
  keyPackages: ["ref"],
  groups: ["conversationId"],
  ratchets: ["conversationId", "leafIndex"],
  pendingCommits: ["conversationId"],
  usedWelcomes: ["welcomeId"],
  documents: ["conversationId"],
  profiles: ["userId"],
} as const satisfies { [T in TableName]: readonly (keyof Tables[T])[] };
export const tableNames = Object.keys(tableKeys) as TableName[];
/** Tables that can be read by range. */
export type RangedTable = "entries" | "messages" | "outbox" | "ratchets";

/**
 * A transaction that touches one of these is on the disk before it counts as done, whatever the machine does next: the
 * user's own messages, what the server lets go of because this device acknowledged it [D1], and keys: a ratchet step that
 * was sent and then forgotten would be taken twice.
 */
export const strictTables: ReadonlySet<TableName> = new Set<TableName>([
  "outbox",
  "entries",
  "keys",
  "keyPackages",
  "groups",
  "ratchets",
  "pendingCommits",
  "usedWelcomes",
]);

export type Key = readonly (string | number)[];
export type Change = {
  [T in TableName]: { table: T; put: Tables[T] } | { table: T; remove: Key };
}[TableName];

/** Records whose first key part is `conversationId` and whose second lies in from … to, both included. */
export interface Range {
  conversationId: string;
  from?: number;
  to?: number;
  newestFirst?: boolean;
  limit?: number;
}

export interface Store {
  get<T extends TableName>(table: T, key: Key): Promise<Tables[T] | null>;
  /** In key order, or the reverse with `newestFirst`. */
  range<T extends RangedTable>(table: T, range: Range): Promise<Tables[T][]>;
  all<T extends TableName>(table: T): Promise<Tables[T][]>;
  /** [D6] How many messages with `after < countedSeq ≤ upTo` there are, counting no further than `max`. */
  countUnread(conversationId: string, after: number, upTo: number, max: number): Promise<number>;
  /** In the order given, in one transaction. */
  apply(changes: readonly Change[]): Promise<void>;
  /** Everything goes, at once. */
  wipe(): Promise<void>;
  close(): Promise<void>;
}

export async function getValue<K extends keyof Values>(store: Store, key: K): Promise<Values[K] | null> {
  const record = await store.get("values", [key]);
  return record === null ? null : (record.value as Values[K]);
}

export function putValue<K extends keyof Values>(key: K, value: Values[K]): Change {
  return { table: "values", put: { key, value } as ValueRecord };
}
