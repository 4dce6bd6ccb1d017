/** A conversation of the fake server: the log rules that a client can notice, and nothing of how they are kept. */
import type { ConversationState, Entry } from "../../../../src/protocol/entry.ts";
import type { ErrorCode } from "../../../../src/protocol/errors.ts";
import { type DeviceRef, deviceKey } from "../../../../src/protocol/ids.ts";
import type { Accepted, Send } from "../../../../src/protocol/send.ts";

export function fakeMac(seq: number): string {
  return String(seq).padStart(22, "m");
}

type Body = Pick<Send, "message_id" | "epoch" | "base_seq" | "silent" | "envelope"> & {
  roster_change?: { add: DeviceRef[]; remove: DeviceRef[] };
};

export class FakeLog {
  readonly conversationId: string;
  logId = "L1".padEnd(22, "x");
  epoch = 0;
  entries: Entry[] = [];
  /** deviceKey → first seq it may read. */
  readonly roster = new Map<string, number>();
  readonly users: string[] = [];
  readonly delivered = new Map<string, number>();
  readonly read = new Map<string, number>();
  constructor(conversationId: string) {
    this.conversationId = conversationId;
  }

  get head(): number {
    return this.entries.length;
  }

  found(author: DeviceRef, messageId: string, devices: DeviceRef[], envelope: string, nowMs: number): void {
    for (const device of devices) {
      if (!this.users.includes(device.user_id)) this.users.push(device.user_id);
      this.roster.set(deviceKey(device), 1);
    }
    const roster_change = { add: devices, remove: [] };
    this.#push(
      author,
      { message_id: messageId, epoch: 0, base_seq: 0, silent: false, envelope, roster_change },
      nowMs,
    );
  }

  submit(author: DeviceRef, body: Body, nowMs: number): { accepted: Accepted } | { refused: ErrorCode } {
    const known = this.entries.find(
      (entry) => entry.message_id === body.message_id && deviceKey(entry.sender) === deviceKey(author),
    );
    if (known !== undefined) {
      const isSame = known.kind !== "skip" && known.envelope === body.envelope;
      return isSame ? { accepted: this.#accepted(known) } : { refused: "id_conflict" };
    }
    if (body.base_seq > this.head) return { refused: "beyond_head" };
    if (body.roster_change === undefined && !this.roster.has(deviceKey(author)))
      return { refused: "not_found" };
    if (body.epoch !== this.epoch) return { refused: "stale_epoch" };
    for (const device of body.roster_change?.add ?? []) this.roster.set(deviceKey(device), this.head + 1);
    return { accepted: this.#accepted(this.#push(author, body, nowMs)) };
  }

  /** [L5] As after a restore: what lies beyond `seq` is gone, the log has another name. */
  restore(seq: number, name: string): void {
    this.entries = this.entries.slice(0, seq);
    this.logId = name.padEnd(22, "x");
    this.epoch = this.entries.filter((entry) => entry.kind === "commit").length;
    for (const marks of [this.delivered, this.read]) {
      for (const [user, mark] of marks) marks.set(user, Math.min(mark, seq));
    }
  }

  state(device: DeviceRef): ConversationState {
    return {
      conversation_id: this.conversationId,
      kind: "direct",
      log_id: this.logId,
      generation: 1,
      epoch: this.epoch,
      head: this.head,
      last_activity_at: this.entries.at(-1)?.sent_at ?? 0,
      first_seq: this.roster.get(deviceKey(device)) ?? null,
      members: this.users.map((user_id) => ({
        user_id,
        role: "member",
        joined_seq: 1,
        joined_at: 0,
        devices: [...this.roster.keys()]
          .filter((key) => key.startsWith(`${user_id}.`))
          .map((key) => Number(key.slice(user_id.length + 1))),
        delivered: this.delivered.get(user_id) ?? 0,
        read: this.read.get(user_id) ?? 0,
      })),
      position: {
        log_id: this.logId,
        seq: Math.max(1, this.head),
        message_id: this.entries.at(-1)?.message_id ?? "0190a000-0000-7000-8000-000000000000",
        mac: fakeMac(this.head),
      },
    };
  }

  #push(author: DeviceRef, body: Body, nowMs: number): Entry {
    const common = {
      seq: this.head + 1,
      message_id: body.message_id,
      sender: author,
      sent_at: nowMs,
      epoch: body.epoch,
      envelope: body.envelope,
    };
    const entry: Entry =
      body.roster_change === undefined
        ? { kind: "message", ...common, silent: body.silent }
        : { kind: "commit", ...common, roster_change: body.roster_change };
    if (entry.kind === "commit") this.epoch += 1;
    this.entries.push(entry);
    return entry;
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
