/** A conversation of the fake server: the log rules that a client can notice, and nothing of how they are kept. */
import { base64 } from "@scure/base";
import { startOf } from "../../../../src/client/chain.ts";
import type { ConversationState, Entry } from "../../../../src/protocol/entry.ts";
import type { ErrorCode } from "../../../../src/protocol/errors.ts";
import type { CommitRequest, FoundRequest } from "../../../../src/protocol/http.ts";
import { type DeviceRef, deviceKey } from "../../../../src/protocol/ids.ts";
import type { CommitObjects, Role } from "../../../../src/protocol/mls.ts";
import type { Accepted, Send } from "../../../../src/protocol/send.ts";
import { type PlainInfo, plainCommit, plainMessage, readPlain } from "../../../support/plain-crypto.ts";

export function fakeMac(seq: number): string {
  return String(seq).padStart(22, "m");
}

type Message = Pick<Send, "message_id" | "epoch" | "base_seq" | "silent" | "envelope"> & {
  generation?: number;
};
type Forged = Omit<Message, "epoch"> & {
  epoch?: number;
  roster_change?: { add: DeviceRef[]; remove: DeviceRef[] };
};
type Outcome = { accepted: Accepted } | { refused: ErrorCode };
interface Admission extends CommitObjects {
  generation: number;
  epoch: number;
  seq: number;
  author: DeviceRef;
  added: DeviceRef[];
  commit: string;
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
  /** deviceKey → last seq, of those that are out. */
  readonly gone = new Map<string, number>();
  readonly roles = new Map<string, Role>();
  readonly leavers = new Set<string>();
  readonly loggedOut = new Set<string>();
  readonly delivered = new Map<string, number>();
  readonly read = new Map<string, number>();
  #admissions: Admission[] = [];
  constructor(conversationId: string, kind: "direct" | "group") {
    this.conversationId = conversationId;
    this.kind = kind;
  }

  get head(): number {
    return this.entries.length;
  }
  get users(): string[] {
    return [...this.roles.keys()];
  }
  get newest(): Admission {
    const last = this.#admissions.at(-1);
    if (last === undefined) throw new Error("nothing was committed");
    return last;
  }

  found(author: DeviceRef, body: FoundRequest, nowMs: number): Outcome {
    if (body.generation <= this.generation) return { refused: "already_founded" };
    const before = new Map(this.roles);
    this.roles.clear();
    this.roster.clear();
    this.generation = body.generation;
    this.epoch = 0;
    const change = { add: body.devices, remove: [] };
    const request = { ...body, epoch: 0, base_seq: 0, roster_change: change };
    const entry = this.#commit(author, request, nowMs);
    if (this.kind === "group") this.roles.set(author.user_id, "owner");
    for (const [user, role] of before) if (this.roles.has(user)) this.roles.set(user, role);
    return { accepted: this.#accepted(entry) };
  }

  commit(author: DeviceRef, body: CommitRequest, nowMs: number): Outcome {
    const known = this.#known(author, body.message_id, body.envelope);
    if (known !== null) return known;
    if (!this.roles.has(author.user_id)) return { refused: "not_found" };
    if (body.generation !== this.generation || body.epoch !== this.epoch) return { refused: "stale_epoch" };
    const isJoin = body.sealed_state === null;
    const removed = new Set(body.roster_change.remove.map(deviceKey));
    if (!isJoin && this.#toRemove().some((device) => !removed.has(deviceKey(device))))
      return { refused: "commit_required" };
    return { accepted: this.#accepted(this.#commit(author, body, nowMs)) };
  }

  leave(
    author: DeviceRef,
    body: { message_id: string; epoch: number; signature: string },
    nowMs: number,
  ): Outcome {
    if (body.epoch !== this.epoch) return { refused: "stale_epoch" };
    this.leavers.add(author.user_id);
    const common = this.#common(author, body.message_id, nowMs);
    const entry: Entry = {
      kind: "leave",
      ...common,
      generation: this.generation,
      epoch: body.epoch,
      envelope: body.signature,
    };
    this.entries.push(entry);
    return { accepted: this.#accepted(entry) };
  }

  submit(author: DeviceRef, body: Message, nowMs: number): Outcome {
    const known = this.#known(author, body.message_id, body.envelope);
    if (known !== null) return known;
    if (body.base_seq > this.head) return { refused: "beyond_head" };
    if (!this.roster.has(deviceKey(author))) return { refused: "not_found" };
    if (body.epoch !== this.epoch || (body.generation ?? this.generation) !== this.generation)
      return { refused: "stale_epoch" };
    if (this.#toRemove().length > 0) return { refused: "commit_required" };
    const { epoch, silent, envelope } = body;
    const entry: Entry = {
      kind: "message",
      ...this.#common(author, body.message_id, nowMs),
      epoch,
      silent,
      envelope,
    };
    this.entries.push(entry);
    return { accepted: this.#accepted(entry) };
  }

  /** A message or commit of a device that a test drives by hand: `envelope` is base64 of what is to be inside. */
  forge(author: DeviceRef, body: Forged, nowMs: number): Outcome {
    const { message_id, base_seq, silent, roster_change: change } = body;
    const { info, signed } = this.#forged(author, message_id);
    const common = { message_id, generation: this.generation, epoch: this.epoch, base_seq };
    if (change !== undefined) {
      const { bytes, groupInfo, sealedState } = plainCommit(info, { ...signed, ...change });
      const request: CommitRequest = {
        ...common,
        envelope: base64.encode(bytes),
        roster_change: change,
        welcome: null,
        group_info: base64.encode(groupInfo),
        tree: base64.encode(groupInfo),
        sealed_state: base64.encode(sealedState),
      };
      return this.commit(author, request, nowMs);
    }
    const bytes = plainMessage(info, { ...signed, content: base64.decode(body.envelope) });
    return this.submit(author, { ...common, silent, envelope: base64.encode(bytes) }, nowMs);
  }

  #forged(author: DeviceRef, messageId: string) {
    const signed = {
      epoch: this.epoch,
      from: author,
      position: { messageId, baseSeq: 0, baseHash: startOf(this.conversationId) },
      stateHash: readPlain<{ stateHash: string }>(base64.decode(this.newest.commit)).stateHash,
    };
    return { info: readPlain<PlainInfo>(base64.decode(this.newest.group_info)), signed };
  }

  welcome(device: DeviceRef) {
    const isFor = ({ added, seq }: Admission) =>
      added.some((it) => deviceKey(it) === deviceKey(device)) && this.roster.get(deviceKey(device)) === seq;
    const found = this.#admissions.findLast(isFor);
    if (found === undefined || found.welcome === null) return null;
    const { generation, epoch, seq, author, welcome, tree } = found;
    return { ...this.#named(), generation, epoch, seq, inviter: author, welcome, tree };
  }
  groupInfo() {
    const { group_info, tree, seq, commit } = this.newest;
    return {
      ...this.#named(),
      generation: this.generation,
      epoch: this.epoch,
      group_info,
      tree,
      commit_seq: seq,
      commit,
    };
  }

  /** [L5] As after a restore: what lies beyond `seq` is gone, the log has another name. */
  restore(seq: number, name: string): void {
    this.entries = this.entries.slice(0, seq);
    this.logId = name.padEnd(22, "x");
    this.#admissions = this.#admissions.filter((admission) => admission.seq <= seq);
    this.generation = this.newest.generation;
    this.epoch = this.newest.epoch + 1;
    for (const marks of [this.delivered, this.read]) {
      for (const [user, mark] of marks) marks.set(user, Math.min(mark, seq));
    }
  }

  state(device: DeviceRef): ConversationState {
    return {
      ...this.#named(),
      log_id: this.logId,
      generation: this.generation,
      epoch: this.epoch,
      head: this.head,
      last_activity_at: this.entries.at(-1)?.sent_at ?? 0,
      first_seq: this.roster.get(deviceKey(device)) ?? null,
      members: [...this.roles].map(([user_id, role]) => ({
        user_id,
        role,
        joined_seq: 1,
        joined_at: 0,
        devices: this.#devices()
          .filter((it) => it.user_id === user_id)
          .map((it) => it.device_id),
        delivered: this.delivered.get(user_id) ?? 0,
        read: this.read.get(user_id) ?? 0,
      })),
      to_remove: this.#toRemove(),
      position: {
        log_id: this.logId,
        seq: Math.max(1, this.head),
        message_id: this.entries.at(-1)?.message_id ?? "0190a000-0000-7000-8000-000000000000",
        mac: fakeMac(this.head),
      },
    };
  }

  #named() {
    const suite = this.kind === "group" ? ("x25519" as const) : ("x_wing" as const);
    return { conversation_id: this.conversationId, kind: this.kind, suite };
  }

  #devices(): DeviceRef[] {
    return [...this.roster.keys()].map((key) => {
      const [user_id = "", device_id = ""] = key.split(".");
      return { user_id, device_id: Number(device_id) };
    });
  }
  #toRemove(): DeviceRef[] {
    return this.#devices().filter(
      (device) => this.leavers.has(device.user_id) || this.loggedOut.has(deviceKey(device)),
    );
  }

  #known(author: DeviceRef, messageId: string, envelope: unknown): Outcome | null {
    const known = this.entries.find(
      (entry) => entry.message_id === messageId && deviceKey(entry.sender) === deviceKey(author),
    );
    if (known === undefined) return null;
    const isSame = known.kind !== "skip" && known.envelope === envelope;
    return isSame ? { accepted: this.#accepted(known) } : { refused: "id_conflict" };
  }

  #commit(author: DeviceRef, body: CommitRequest, nowMs: number): Entry {
    const { add, remove, roles = [] } = body.roster_change;
    const common = this.#common(author, body.message_id, nowMs);
    const { generation, epoch, envelope, sealed_state, roster_change } = body;
    const entry: Entry = {
      kind: "commit",
      ...common,
      generation,
      epoch,
      envelope,
      sealed_state,
      roster_change,
    };
    for (const device of remove) {
      this.roster.delete(deviceKey(device));
      this.gone.set(deviceKey(device), entry.seq);
    }
    for (const device of add) {
      this.roster.set(deviceKey(device), entry.seq);
      if (!this.roles.has(device.user_id)) this.roles.set(device.user_id, "member");
    }
    for (const user of this.users) {
      const isIn = this.#devices().some((device) => device.user_id === user);
      if (!isIn && this.kind === "group") this.roles.delete(user);
      if (!isIn) this.leavers.delete(user);
    }
    for (const { user_id, role } of roles) this.roles.set(user_id, role);
    this.#admissions.push({
      ...body,
      seq: entry.seq,
      author,
      added: add.filter((device) => deviceKey(device) !== deviceKey(author)),
      commit: typeof envelope === "string" ? envelope : "",
    });
    this.epoch = epoch + 1;
    this.entries.push(entry);
    return entry;
  }

  #common(author: DeviceRef, message_id: string, nowMs: number) {
    return { seq: this.head + 1, message_id, sender: author, sent_at: nowMs };
  }

  #accepted(entry: Entry): Accepted {
    const { message_id, seq, sent_at } = entry;
    return {
      type: "accepted",
      conversation_id: this.conversationId,
      message_id,
      seq,
      sent_at,
      log_id: this.logId,
      mac: fakeMac(seq),
    };
  }
}
