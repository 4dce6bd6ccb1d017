/**
 * Reads one entry after the other for a plan: opens what is encrypted, keeps the hash chain [E13], and says what is to be
 * shown, stored and done. It stores nothing: the plan's caller commits keys, messages and cursor together [E8].
 */
import { base64 } from "@scure/base";
import { chainAfter, hashAfter, isSameHash, startOf } from "../chain.ts";
import type { ReceivedEntry } from "../connection/frames.ts";
import type { Content } from "../content.ts";
import type { CryptoPort, Position } from "../crypto/port.ts";
import type { EntryRecord } from "../store/records.ts";
import type { Change, Store } from "../store/store.ts";
import type { CommitBytes } from "./commit-state.ts";
import { readCommitEntry } from "./read-commit.ts";
import { readMessageEntry } from "./read-message.ts";
import { type Need, nothingRead, parked, type ReadEntry, type Reading, type Self } from "./reading.ts";
import { withRoster } from "./roster.ts";

export interface EntryReaderOptions {
  store: Store;
  crypto: CryptoPort;
  self: Self;
  ownContent(conversationId: string, messageId: string): Content | null;
  /** Of commits that the log names by hash, by seq. */
  blobs: ReadonlyMap<number, CommitBytes>;
  settled: readonly Need[];
}

export class EntryReader {
  readonly #options: EntryReaderOptions;
  /** Entries of this batch, which the store does not hold yet. */
  readonly #fresh = new Map<number, EntryRecord>();
  constructor(options: EntryReaderOptions) {
    this.#options = options;
  }

  /** `held`: it was read before, when it came or when it was sent; an envelope opens once. */
  async read(reading: Reading, entry: ReceivedEntry, held: EntryRecord | null): Promise<ReadEntry | Need> {
    const read =
      held === null
        ? await this.#open(reading, entry)
        : reread(withHeldChain(reading, held), entry, this.#options.self);
    if ("type" in read) return read;
    const record = {
      ...read.reading.record,
      lastActivityMs: Math.max(read.reading.record.lastActivityMs, entry.sent_at),
    };
    const { conversationId, logId } = record;
    const chain = chainAfter(record.chain, entry, conversationId);
    const hash = chain?.hash ?? null;
    const before = record.chain?.seq === entry.seq - 1 ? record.chain.hash : null;
    const raw = {
      conversationId,
      seq: entry.seq,
      logId,
      messageId: entry.message_id,
      raw: entry,
      hash,
      before,
    };
    this.#fresh.set(entry.seq, raw);
    const { chain: adopted, changes } = await this.#adopt(chain, read, entry);
    const stored: Change = { table: "entries", put: this.#fresh.get(entry.seq) ?? raw };
    const next = { ...read.reading, record: { ...record, chain: adopted } };
    return { ...read, reading: next, changes: [stored, ...changes, ...read.changes] };
  }

  async #open(reading: Reading, entry: ReceivedEntry): Promise<ReadEntry | Need> {
    const { crypto, self, settled, blobs, ownContent } = this.#options;
    if (!isDecodable(entry)) return parked(reading, "not_decodable");
    const agrees = (position: Position) => this.#agrees(reading, position);
    switch (entry.kind) {
      case "message":
        return await readMessageEntry(
          {
            crypto,
            self,
            agrees,
            ownContent: (messageId) => ownContent(reading.record.conversationId, messageId),
            replaceParked: (seq, messageId, sender, text) =>
              this.#replaceParked(reading, seq, messageId, sender, text),
          },
          reading,
          entry,
        );
      case "commit": {
        const bytes = blobs.get(entry.seq) ?? inlineBytes(entry);
        const isSettled = (need: Need) => settled.some((it) => it.type === need.type && it.seq === need.seq);
        return bytes === null
          ? parked(reading, "blob_missing")
          : await readCommitEntry({ crypto, self, agrees, isSettled }, reading, entry, bytes);
      }
      case "leave":
        return await this.#readLeave(reading, entry);
      case "skip":
        return nothingRead(reading);
      default:
        return parked(reading, "unknown_kind");
    }
  }

  /**
   * [E14] Only a statement that is verified makes a leaver; what cannot be verified is shown as nothing. [E3] Of the
   * present epoch: whoever has come back since, with the same key, has not left by it.
   */
  async #readLeave(reading: Reading, entry: Extract<ReceivedEntry, { kind: "leave" }>): Promise<ReadEntry> {
    const { record, group } = reading;
    const statement = { device: entry.sender, epoch: entry.epoch, signature: base64.decode(entry.envelope) };
    const isTrue = group?.epoch === entry.epoch && (await this.#options.crypto.isLeave(group, statement));
    if (!isTrue) return nothingRead(reading);
    const isOwn = entry.sender.user_id === this.#options.self.userId;
    const leavers = [...new Set([...record.leavers, entry.sender.user_id])];
    return {
      reading: { ...reading, record: { ...record, leavers, isMember: record.isMember && !isOwn } },
      body: { type: "notice", notice: { type: "left" } },
      changes: [],
      followUps: isOwn ? [] : [{ type: "removal_due" }],
    };
  }

  async #agrees({ record }: Reading, { baseSeq, baseHash }: Position): Promise<boolean> {
    const known = await this.#hashAt(
      record.conversationId,
      record.logId,
      baseSeq,
      record.chain?.from ?? null,
    );
    return known === null || isSameHash(known, baseHash);
  }

  async #hashAt(
    conversationId: string,
    logId: string,
    seq: number,
    from: number | null,
  ): Promise<string | null> {
    if (seq === 0) return base64.encode(startOf(conversationId));
    if (from === null || seq < from) return null;
    const fresh = this.#fresh.get(seq);
    if (fresh !== undefined) return fresh.hash;
    const entry = await this.#options.store.get("entries", [conversationId, seq]);
    return entry?.logId === logId ? entry.hash : null;
  }

  /** [E13] A device that does not know H takes it from the first verified message, and reckons on from there. */
  async #adopt(
    chain: Reading["record"]["chain"],
    read: ReadEntry & { position?: Position | null },
    entry: ReceivedEntry,
  ): Promise<{ chain: Reading["record"]["chain"]; changes: Change[] }> {
    const { position } = read;
    const { conversationId, firstSeq, logId } = read.reading.record;
    if (chain !== null || position == null || position.baseSeq < firstSeq - 1 || position.baseSeq === 0)
      return { chain, changes: [] };
    const changes: Change[] = [];
    let hash = position.baseHash;
    for (let seq = position.baseSeq + 1; seq <= entry.seq; seq += 1) {
      const held = this.#fresh.get(seq) ?? (await this.#options.store.get("entries", [conversationId, seq]));
      const next = held?.logId === logId ? hashAfter(hash, held.raw as ReceivedEntry) : null;
      if (held == null || next === null) return { chain, changes: [] };
      hash = next;
      const put = { ...held, hash: base64.encode(hash) };
      this.#fresh.set(seq, put);
      if (seq < entry.seq) changes.push({ table: "entries", put });
    }
    return { chain: { from: position.baseSeq + 1, seq: entry.seq, hash: base64.encode(hash) }, changes };
  }

  async #replaceParked(
    { record }: Reading,
    seq: number,
    messageId: string,
    sender: { user_id: string; device_id: number },
    text: string,
  ): Promise<Change[]> {
    const { store } = this.#options;
    const place = [record.conversationId, seq];
    const [message, entry] = [await store.get("messages", [...place, 0]), await store.get("entries", place)];
    const raw = entry?.raw as ReceivedEntry | undefined;
    const isTheirs = raw?.sender.user_id === sender.user_id && raw.sender.device_id === sender.device_id;
    if (message?.body.type !== "parked" || message.messageId !== messageId || !isTheirs) return [];
    return [{ table: "messages", put: { ...message, body: { type: "text", text } } }];
  }
}

/** [L5] A log that is read once more from the middle: H below what is held is what it was. */
function withHeldChain(reading: Reading, held: EntryRecord): Reading {
  const { record } = reading;
  if (record.chain !== null || held.before == null) return reading;
  const chain = { from: held.seq - 1, seq: held.seq - 1, hash: held.before };
  return { ...reading, record: { ...record, chain } };
}

/** Of what was read before, only the roster is taken once more: a state of the server may have been older. */
function reread(reading: Reading, entry: ReceivedEntry, self: Self): ReadEntry {
  if (entry.kind !== "commit") return nothingRead(reading);
  return nothingRead({ ...reading, record: withRoster(reading.record, entry, self) });
}

function inlineBytes(entry: Extract<ReceivedEntry, { kind: "commit" }>): CommitBytes | null {
  const { envelope, sealed_state } = entry;
  if (typeof envelope !== "string" || (sealed_state !== null && typeof sealed_state !== "string"))
    return null;
  return {
    commit: base64.decode(envelope),
    sealedState: sealed_state === null ? null : base64.decode(sealed_state),
  };
}

/** [D8] Base64 that is not canonical is a broken entry, and must not hold up those behind it. */
function isDecodable(entry: ReceivedEntry): boolean {
  if (entry.kind === "unknown") return true;
  const texts =
    entry.kind === "skip"
      ? [entry.body_hash]
      : entry.kind === "commit"
        ? [entry.envelope, entry.sealed_state]
        : [entry.envelope];
  try {
    for (const text of texts) if (typeof text === "string") base64.decode(text);
    return true;
  } catch {
    return false;
  }
}
