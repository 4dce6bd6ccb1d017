/**
 * A conversation of the fake server: the log rules that a client can notice, and nothing of how they are kept. MLS bytes
 * are carried and never looked into: what a roster change says is believed.
 */
import type { z } from "zod";
import type { ConversationState, Entry } from "../../../../src/protocol/entry.ts";
import type { ErrorCode } from "../../../../src/protocol/errors.ts";
import type { CommitRequest, FoundRequest } from "../../../../src/protocol/http.ts";
import { type DeviceRef, deviceKey } from "../../../../src/protocol/ids.ts";
import type {
  groupInfoSchema,
  leaveRequestSchema,
  Role,
  RosterChange,
  welcomeSchema,
} from "../../../../src/protocol/mls.ts";
import type { Accepted, Send } from "../../../../src/protocol/send.ts";

export function fakeMac(seq: number): string {
  return String(seq).padStart(22, "m");
}

export type FakeMessage = Omit<Send, "type" | "conversation_id">;
export type FakeLeave = z.infer<typeof leaveRequestSchema>;
type FakeWelcome = z.infer<typeof welcomeSchema>;
type FakeGroupInfo = z.infer<typeof groupInfoSchema>;
export type Outcome = { accepted: Accepted } | { refused: ErrorCode };
type CommitObjects = Pick<CommitRequest, "envelope" | "welcome" | "group_info" | "tree" | "sealed_state">;
interface Submitted {
  message_id: string;
  generation: number;
  epoch: number;
  base_seq: number;
}

export class FakeLog {
  readonly conversationId: string;
  readonly kind: "direct" | "group";
  logId = "L1".padEnd(22, "x");
  generation = 0;
  epoch = 0;
  entries: Entry[] = [];
  /** deviceKey → first seq it may read. */
  readonly roster = new Map<string, number>();
  /** deviceKey → what it may read of the log, once it is out. */
  readonly #left = new Map<string, { first: number; last: number }>();
  /** Members in the order of their joining, with their roles. */
  readonly roles = new Map<string, Role>();
  /** [E14] deviceKeys that the next commit must remove. */
  readonly toRemove = new Set<string>();
  readonly delivered = new Map<string, number>();
  readonly read = new Map<string, number>();
  /** deviceKey → the Welcome of its latest addition. */
  readonly welcomes = new Map<string, FakeWelcome>();
  #groupInfo: FakeGroupInfo | null = null;
  constructor(conversationId: string, kind: "direct" | "group" = "direct") {
    this.conversationId = conversationId;
    this.kind = kind;
  }

  get head(): number {
    return this.entries.length;
  }
  get users(): string[] {
    return [...this.roles.keys()];
  }

  /** [E15] A compare-and-set on the generation. Null: founded by somebody else. */
  found(author: DeviceRef, request: FoundRequest, nowMs: number): Entry | null {
    if (request.generation !== this.generation + 1) return null;
    this.generation = request.generation;
    this.epoch = 0;
    this.roster.clear();
    const roster_change = { add: request.devices, remove: [] };
    return this.#commit(author, { ...request, epoch: 0, roster_change }, nowMs);
  }

  submit(author: DeviceRef, body: FakeMessage, nowMs: number): Outcome {
    const settled = this.#settle(author, body, body.envelope);
    if (settled !== null) return settled;
    if (!this.roster.has(deviceKey(author))) return { refused: "not_found" };
    if (this.toRemove.size > 0) return { refused: "commit_required" };
    const { epoch, silent, envelope } = body;
    const entry = this.#common(author, body.message_id, nowMs);
    return this.#accept({ kind: "message", ...entry, epoch, silent, envelope });
  }

  /** A joiner's adds itself, and nothing else tells it from a member's. */
  submitCommit(author: DeviceRef, request: CommitRequest, nowMs: number): Outcome {
    const settled = this.#settle(author, request, request.envelope);
    if (settled !== null) return settled;
    if (!this.roles.has(author.user_id)) return { refused: "not_found" };
    const isJoin = request.roster_change.add.some((device) => deviceKey(device) === deviceKey(author));
    if (!isJoin && !this.roster.has(deviceKey(author))) return { refused: "not_found" };
    const removed = new Set(request.roster_change.remove.map(deviceKey));
    if (!isJoin && [...this.toRemove].some((key) => !removed.has(key))) return { refused: "commit_required" };
    return { accepted: this.#accepted(this.#commit(author, request, nowMs)) };
  }

  /** [E14] The user's leaves stay in the group until somebody commits their Remove. */
  leave(author: DeviceRef, body: FakeLeave, nowMs: number): Outcome {
    const settled = this.#settle(author, body, body.signature);
    if (settled !== null) return settled;
    this.roles.delete(author.user_id);
    for (const key of [...this.roster.keys()]) {
      if (!isOf(key, author.user_id)) continue;
      this.toRemove.add(key);
      this.#takeOut(key, this.head + 1);
    }
    const { generation, epoch, signature: envelope } = body;
    const entry = this.#common(author, body.message_id, nowMs);
    return this.#accept({ kind: "leave", ...entry, generation, epoch, envelope });
  }

  /** What this device may read of the log, both included; null: nothing. */
  readable(device: DeviceRef): { first: number; last: number } | null {
    const key = deviceKey(device);
    const first = this.roster.get(key);
    if (first !== undefined) return { first, last: this.head };
    return this.#left.get(key) ?? null;
  }

  welcome(device: DeviceRef): FakeWelcome | null {
    return this.roster.has(deviceKey(device)) ? (this.welcomes.get(deviceKey(device)) ?? null) : null;
  }
  groupInfo(device: DeviceRef): FakeGroupInfo | null {
    return this.roles.has(device.user_id) ? this.#groupInfo : null;
  }

  /** [L5] As after a restore: what lies beyond `seq` is gone, the log has another name. Rosters are not taken back. */
  restore(seq: number, name: string): void {
    this.entries = this.entries.slice(0, seq);
    this.logId = name.padEnd(22, "x");
    const commits = this.entries.filter((entry) => entry.kind === "commit");
    this.generation = commits.at(-1)?.generation ?? 0;
    this.epoch = commits.filter(({ generation }) => generation === this.generation).length;
    for (const marks of [this.delivered, this.read]) {
      for (const [user, mark] of marks) marks.set(user, Math.min(mark, seq));
    }
  }

  state(device: DeviceRef): ConversationState {
    return {
      conversation_id: this.conversationId,
      kind: this.kind,
      log_id: this.logId,
      generation: this.generation,
      suite: this.kind === "group" ? "x25519" : "x_wing",
      epoch: this.epoch,
      head: this.head,
      last_activity_at: this.entries.at(-1)?.sent_at ?? 0,
      first_seq: this.roster.get(deviceKey(device)) ?? null,
      members: [...this.roles].map(([user_id, role]) => ({
        user_id,
        role,
        joined_seq: 1,
        joined_at: 0,
        devices: [...this.roster.keys()]
          .filter((key) => isOf(key, user_id))
          .map((key) => refOf(key).device_id),
        delivered: this.delivered.get(user_id) ?? 0,
        read: this.read.get(user_id) ?? 0,
      })),
      to_remove: [...this.toRemove].map(refOf),
      position: {
        log_id: this.logId,
        seq: Math.max(1, this.head),
        message_id: this.entries.at(-1)?.message_id ?? "0190a000-0000-7000-8000-000000000000",
        mac: fakeMac(this.head),
      },
    };
  }

  /** [L3] What every submission is asked first; null: it is new, and for the present epoch. */
  #settle(author: DeviceRef, body: Submitted, envelope: unknown): Outcome | null {
    const known = this.entries.find(
      (entry) => entry.message_id === body.message_id && deviceKey(entry.sender) === deviceKey(author),
    );
    if (known !== undefined) {
      const isSame = known.kind !== "skip" && JSON.stringify(known.envelope) === JSON.stringify(envelope);
      return isSame ? { accepted: this.#accepted(known) } : { refused: "id_conflict" };
    }
    if (body.base_seq > this.head) return { refused: "beyond_head" };
    const isPresent = body.generation === this.generation && body.epoch === this.epoch;
    return isPresent ? null : { refused: "stale_epoch" };
  }

  #commit(
    author: DeviceRef,
    commit: CommitObjects & { message_id: string; epoch: number; roster_change: RosterChange },
    nowMs: number,
  ): Entry {
    const { epoch, envelope, sealed_state, roster_change } = commit;
    const { generation } = this;
    const common = this.#common(author, commit.message_id, nowMs);
    const entry: Entry = {
      kind: "commit",
      ...common,
      generation,
      epoch,
      envelope,
      sealed_state,
      roster_change,
    };
    this.#changeRoster(author, roster_change, entry.seq);
    this.entries.push(entry);
    this.epoch += 1;
    this.#keepObjects(author, commit, entry.seq);
    return entry;
  }

  #changeRoster(author: DeviceRef, { add, remove, roles = [] }: RosterChange, seq: number): void {
    for (const device of remove) {
      if (this.roster.has(deviceKey(device))) this.#takeOut(deviceKey(device), seq);
      this.toRemove.delete(deviceKey(device));
      const isGone = ![...this.roster.keys()].some((key) => isOf(key, device.user_id));
      if (isGone && this.kind === "group") this.roles.delete(device.user_id);
    }
    for (const device of add) {
      const isOwner = this.kind === "group" && this.roles.size === 0 && device.user_id === author.user_id;
      if (!this.roles.has(device.user_id)) this.roles.set(device.user_id, isOwner ? "owner" : "member");
      this.roster.set(deviceKey(device), seq);
      this.#left.delete(deviceKey(device));
    }
    for (const { user_id, role } of roles) this.roles.set(user_id, role);
  }

  #takeOut(key: string, seq: number): void {
    this.#left.set(key, { first: this.roster.get(key) ?? seq, last: seq });
    this.roster.delete(key);
    this.welcomes.delete(key);
  }

  #keepObjects(
    inviter: DeviceRef,
    commit: CommitObjects & { roster_change: RosterChange },
    seq: number,
  ): void {
    const { conversationId: conversation_id, kind, generation, epoch } = this;
    const suite = kind === "group" ? "x25519" : "x_wing";
    const common = { conversation_id, kind, generation, suite, tree: commit.tree } as const;
    const { group_info, envelope, welcome } = commit;
    this.#groupInfo = { ...common, epoch, group_info, commit_seq: seq, commit: envelope };
    if (welcome === null) return;
    for (const device of commit.roster_change.add) {
      if (deviceKey(device) === deviceKey(inviter)) continue;
      this.welcomes.set(deviceKey(device), { ...common, epoch: epoch - 1, seq, inviter, welcome });
    }
  }

  #common(sender: DeviceRef, message_id: string, sent_at: number) {
    return { seq: this.head + 1, message_id, sender, sent_at };
  }

  #accept(entry: Entry): Outcome {
    this.entries.push(entry);
    return { accepted: this.#accepted(entry) };
  }

  #accepted({ message_id, seq, sent_at }: Entry): Accepted {
    const { conversationId: conversation_id, logId: log_id } = this;
    return { type: "accepted", conversation_id, message_id, seq, sent_at, log_id, mac: fakeMac(seq) };
  }
}

function isOf(key: string, userId: string): boolean {
  return refOf(key).user_id === userId;
}
function refOf(key: string): DeviceRef {
  const [user_id = "", device_id = ""] = key.split(".");
  return { user_id, device_id: Number(device_id) };
}
