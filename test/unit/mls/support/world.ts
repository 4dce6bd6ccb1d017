/** A conversation's log and members around it, as far as the facade needs them: who is where, and what each one holds. */
import { base64urlnopad } from "@scure/base";
import { v7 } from "uuid";
import { type AcceptedCommit, acceptCommit } from "../../../../src/client/mls/accept-commit.ts";
import { found, makeCommit, type PendingCommit } from "../../../../src/client/mls/commit.ts";
import type { Result } from "../../../../src/client/mls/failures.ts";
import { epochOf, type Group } from "../../../../src/client/mls/group.ts";
import { bodyHash, chainStart, nextChainHash } from "../../../../src/client/mls/hash-chain.ts";
import { type Device, type Judge, makeAccountKey, makeDevice } from "../../../../src/client/mls/identity.ts";
import { joinByExternalCommit } from "../../../../src/client/mls/join-external.ts";
import { joinByWelcome } from "../../../../src/client/mls/join-welcome.ts";
import {
  type ClaimedKeyPackage,
  checkClaimed,
  makeKeyPackage,
  type OwnKeyPackage,
} from "../../../../src/client/mls/key-packages.ts";
import { type ReceivedMessage, receiveMessage, sendMessage } from "../../../../src/client/mls/message.ts";
import type { EntryPlace } from "../../../../src/client/mls/place.ts";
import { makeStateDocument, stateHash } from "../../../../src/client/mls/sealed-state.ts";
import { type GroupKind, suiteFor } from "../../../../src/client/mls/suites.ts";
import { type LogPosition, readCommitData } from "../../../../src/mls-guard/authenticated-data.ts";
import { readCommit } from "../../../../src/mls-guard/commit.ts";
import { type DeviceRef, directConversationId } from "../../../../src/protocol/ids.ts";

export const nowMs = Date.now();
export const openJudge: Judge = { acceptsLeaf: () => true, allowsCommit: () => true };
export const document = makeStateDocument(new TextEncoder().encode(JSON.stringify({ name: "kittiwakes" })));
const accountKeys = new Map<string, ReturnType<typeof makeAccountKey>>();

export function value<T>(result: Result<T>): T {
  if (result.failure === null) return result.value;
  throw new Error(`expected success, got ${result.failure}`, { cause: result.cause });
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
export function randomUserId(): string {
  return base64urlnopad.encode(crypto.getRandomValues(new Uint8Array(16)));
}
export function randomConversationId(): string {
  return base64urlnopad.encode(crypto.getRandomValues(new Uint8Array(32)));
}

/** All devices of a user have the user's account key. */
export async function newDevice(userId = randomUserId(), deviceId = 1): Promise<Device> {
  const accountKey = accountKeys.get(userId) ?? makeAccountKey();
  accountKeys.set(userId, accountKey);
  return await makeDevice({ user_id: userId, device_id: deviceId }, accountKey);
}

export interface LogEntry {
  kind: "message" | "commit";
  seq: number;
  epoch: number;
  messageId: string;
  sender: DeviceRef;
  sentAt: number;
  bytes: Uint8Array;
  pending: PendingCommit | null;
}

export class Log {
  readonly conversationId: string;
  readonly kind: GroupKind;
  readonly entries: LogEntry[] = [];
  constructor(conversationId: string, kind: GroupKind) {
    this.conversationId = conversationId;
    this.kind = kind;
  }

  get epoch(): number {
    return this.entries.filter((entry) => entry.kind === "commit").length;
  }
  /** Of the last commit: what the server stores for joiners. */
  get newest(): PendingCommit {
    const commit = this.entries.findLast((entry) => entry.kind === "commit");
    if (commit?.pending == null) throw new Error("nothing was committed yet");
    return commit.pending;
  }
  hashAt(seq: number): Uint8Array {
    return this.entries
      .slice(0, seq)
      .reduce(
        (before, entry) => nextChainHash(before, { ...entry, bodyHash: bodyHash(entry.bytes) }),
        chainStart(this.conversationId),
      );
  }
  append(
    entry: Omit<LogEntry, "seq" | "sentAt" | "pending">,
    pending: PendingCommit | null = null,
  ): LogEntry {
    const appended = { ...entry, seq: this.entries.length + 1, sentAt: nowMs, pending };
    this.entries.push(appended);
    return appended;
  }
}

export class Member {
  readonly device: Device;
  readonly log: Log;
  group: Group;
  /** What of the log this member has read. */
  readSeq: number;
  judge: Judge = openJudge;
  constructor(device: Device, log: Log, group: Group, readSeq: number) {
    this.device = device;
    this.log = log;
    this.group = group;
    this.readSeq = readSeq;
  }

  get ref(): DeviceRef {
    return this.device.ref;
  }

  position(): LogPosition {
    return { messageId: v7(), baseSeq: this.readSeq, baseHash: this.log.hashAt(this.readSeq) };
  }
  place(entry: LogEntry): EntryPlace {
    return { ...entry, hashAt: (seq) => this.log.hashAt(seq) };
  }

  async send(words: string): Promise<LogEntry> {
    const position = this.position();
    const sent = value(
      await sendMessage(this.group, utf8(words), { position, stateHash: stateHash(document) }),
    );
    this.group = sent.group;
    const entry = {
      kind: "message",
      epoch: epochOf(this.group),
      sender: this.ref,
      bytes: sent.bytes,
    } as const;
    return this.log.append({ ...entry, messageId: position.messageId });
  }
  receive(entry: LogEntry, place: Partial<EntryPlace> = {}): Promise<Result<ReceivedMessage>> {
    return receiveMessage(this.group, entry.bytes, {
      place: { ...this.place(entry), ...place },
      stateHash: stateHash(document),
    });
  }
  /** Takes the entry in, and gives the text. */
  async read(entry: LogEntry): Promise<string> {
    const received = value(await this.receive(entry));
    this.group = received.group;
    this.readSeq = entry.seq;
    return text(received.content);
  }

  commit(change: { add?: ClaimedKeyPackage[]; remove?: DeviceRef[] } = {}): Promise<Result<PendingCommit>> {
    return makeCommit(this.group, { ...change, stateDocument: document, position: this.position() });
  }
  acceptance(entry: LogEntry, pending: PendingCommit | null = null): Promise<Result<AcceptedCommit>> {
    return acceptCommit(this.group, entry.bytes, { place: this.place(entry), judge: this.judge, pending });
  }
  async accept(entry: LogEntry, pending: PendingCommit | null = null): Promise<AcceptedCommit["outcome"]> {
    const accepted = value(await this.acceptance(entry, pending));
    this.group = accepted.group;
    this.readSeq = entry.seq;
    return accepted.outcome;
  }
  /** The server takes it: it is in the log, and the committer has seen it there. */
  async publish(pending: PendingCommit): Promise<LogEntry> {
    const entry = publish(this.log, pending, this.ref);
    await this.accept(entry, pending);
    return entry;
  }
}

/** The message id stands in what was signed. */
export function publish(log: Log, pending: PendingCommit, sender: DeviceRef): LogEntry {
  const messageId = messageIdOf(pending.bytes);
  return log.append(
    { kind: "commit", epoch: pending.baseEpoch, messageId, sender, bytes: pending.bytes },
    pending,
  );
}

export interface Invited {
  device: Device;
  own: OwnKeyPackage;
  claimed: ClaimedKeyPackage;
}

export async function invite(device: Device, kind: GroupKind, isLastResort = false): Promise<Invited> {
  const suite = suiteFor(kind);
  const own = await makeKeyPackage(device, { suite, isLastResort, nowMs });
  const expected = { userId: device.ref.user_id, suite, nowMs, judge: openJudge };
  return { device, own, claimed: value(await checkClaimed(own.bytes, expected)) };
}

export async function joinedFrom(
  log: Log,
  device: Device,
  own: OwnKeyPackage,
  entry: LogEntry,
): Promise<Member> {
  const pending = entry.pending;
  if (pending?.welcome == null) throw new Error("this commit added nobody");
  const joined = await joinByWelcome(pending.welcome, pending.tree, {
    device,
    keyPackages: [own],
    announced: announcedBy(log, entry),
    holdsState: false,
    usedWelcomes: new Set(),
    judge: openJudge,
  });
  return new Member(device, log, value(joined).group, entry.seq);
}

export function announcedBy(log: Log, entry: LogEntry) {
  const { conversationId, kind } = log;
  return { conversationId, generation: 0, kind, epoch: entry.epoch, inviter: entry.sender };
}

/** The first founds, the others come in by one Welcome. */
export async function newGroup(
  size: number,
  kind: GroupKind = "group",
): Promise<{ log: Log; members: Member[] }> {
  const devices = await Promise.all(Array.from({ length: size }, () => newDevice()));
  return await groupOf(devices, kind);
}

export async function groupOf(devices: Device[], kind: GroupKind): Promise<{ log: Log; members: Member[] }> {
  const [founderDevice, ...others] = devices;
  if (founderDevice === undefined) throw new Error("nobody founds");
  const other = others.find((device) => device.ref.user_id !== founderDevice.ref.user_id);
  const conversationId =
    kind === "direct" && other !== undefined
      ? await directConversationId(founderDevice.ref.user_id, other.ref.user_id)
      : randomConversationId();
  const log = new Log(conversationId, kind);
  const group = value(await found(founderDevice, { conversationId, generation: 0, kind, nowMs }));
  const founder = new Member(founderDevice, log, group, 0);
  const invited = await Promise.all(others.map((device) => invite(device, kind)));
  const pending = value(await founder.commit({ add: invited.map(({ claimed }) => claimed) }));
  const entry = await founder.publish(pending);
  const joined = await Promise.all(
    others.map((device, index) => joinedFrom(log, device, ownOf(invited, index), entry)),
  );
  return { log, members: [founder, ...joined] };
}

function ownOf(invited: Invited[], index: number): OwnKeyPackage {
  const own = invited[index]?.own;
  if (own === undefined) throw new Error("not invited");
  return own;
}

export interface ExternalOptions {
  device: Device;
  replaces?: DeviceRef;
  from?: PendingCommit;
  readSeq?: number;
}

export function externalJoin(log: Log, options: ExternalOptions): Promise<Result<PendingCommit>> {
  const { device, replaces = null, from = log.newest, readSeq = log.entries.length } = options;
  return joinByExternalCommit(from.groupInfo, from.tree, {
    conversationId: log.conversationId,
    generation: 0,
    kind: log.kind,
    device,
    epoch: log.epoch,
    anchor: null,
    replaces,
    position: { messageId: v7(), baseSeq: readSeq, baseHash: log.hashAt(readSeq) },
    stateHash: stateHash(document),
    judge: openJudge,
    nowMs,
  });
}

/** Comes in by external commit, and the others take it in. */
export async function comeIn(log: Log, others: Member[], options: ExternalOptions): Promise<Member> {
  const pending = value(await externalJoin(log, options));
  const entry = publish(log, pending, options.device.ref);
  for (const member of others) await member.accept(entry);
  return new Member(options.device, log, pending.next, entry.seq);
}

export function pick<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}

export function messageIdOf(commit: Uint8Array): string {
  return readCommitData(readCommit(commit).authenticatedData).messageId;
}
