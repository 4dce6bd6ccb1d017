/**
 * Calls from a Conversation to its members' Inboxes: entries [F4], receipts [R3], and the note that the chat exists.
 * At most two `deliver` calls are under way per member; what arrives meanwhile is the next call's batch. No call waits
 * for a device. A call that throws says nothing: its range is unknown, and the alarm repeats it with `hold`.
 */
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { DeliverAnswer, DeliverCall, DeliverStatus, ReceiptsCall } from "../rpc.ts";
import type { ConversationCore } from "./core.ts";
import {
  composeCall,
  offerEntries,
  type PlannedCall,
  passOwnOverdue,
  planNext,
  planOverdue,
} from "./plan.ts";
import { memberOf, type RosterMember } from "./roster.ts";
import type { Loaded } from "./state.ts";

/** The Inbox of a user, as a Conversation may call it. */
export interface InboxPort {
  deliver(userId: string, call: DeliverCall): Promise<DeliverAnswer>;
  receipts(userId: string, call: ReceiptsCall): Promise<{ live: boolean }>;
  note(
    userId: string,
    note: { conversation_id: string; kind: "direct" | "group"; last_activity_at: number },
  ): Promise<void>;
}

export class Deliveries {
  #core: ConversationCore;
  #inboxes: InboxPort;
  /** Told when a member's Inbox turns out to have a live socket. */
  #onLive: (userId: string) => void;
  /** `to` of each call under way, oldest first, by member. */
  #underWay = new Map<string, number[]>();

  constructor(core: ConversationCore, inboxes: InboxPort, onLive: (userId: string) => void) {
    this.#core = core;
    this.#inboxes = inboxes;
    this.#onLive = onLive;
  }

  /** Offers what was appended to everybody who is not served on a chat socket. Returns at once. */
  pump(): void {
    for (const member of this.#core.roster) {
      this.#pumpMember(member.user_id);
    }
  }

  /** [F5] [F7] Everything that missed its deadline, with `hold`; resolves when all have answered. False if one failed. */
  async deliverOverdue(now: number): Promise<boolean> {
    const { loaded } = this.#core;
    if (loaded === null) return true;
    const members = loaded.identity.roster.map((member) => this.#catchUp(loaded, member.user_id, now));
    return (await Promise.all(members)).every((succeeded) => succeeded);
  }

  /** All of one member, a few calls at a time, until nothing overdue is left or a call failed. */
  async #catchUp(loaded: Loaded, userId: string, now: number): Promise<boolean> {
    for (;;) {
      const calls = this.#repeatOverdue(loaded, userId, now);
      if (calls.length === 0) break;
      if ((await Promise.all(calls)).includes(false)) return false;
    }
    return loaded.progress.isListed(userId) || (await this.#note(userId));
  }

  #repeatOverdue(loaded: Loaded, userId: string, now: number): Promise<boolean>[] {
    const member = memberOf(loaded.identity.roster, userId);
    if (member !== undefined) passOwnOverdue(loaded, member, now - limits.ackDeadlineMs, this.#core.cache);
    const calls: Promise<boolean>[] = [];
    for (const planned of member === undefined
      ? []
      : planOverdue(loaded, member, now - limits.ackDeadlineMs)) {
      if (member === undefined || this.#isFull(userId)) break;
      this.#cutChatSockets(planned);
      for (const device of planned.devices) loaded.progress.device(device)?.offerAgain(planned.range, now);
      calls.push(this.#call(loaded, member, planned, true));
    }
    return calls;
  }

  /** [F6] Sockets whose oldest entry is overdue, or whose window is full, stop carrying their device. */
  cutSlowSockets(now: number): void {
    const { loaded, sockets } = this.#core;
    for (const connection of loaded === null ? [] : [...sockets.all]) {
      const progress = loaded?.progress.device(connection.device);
      if (progress === undefined || connection.phase !== "live") continue;
      const oldest = progress.oldestHandedAt();
      const isLate = oldest !== null && now - oldest > limits.ackDeadlineMs;
      if (
        isLate ||
        progress.handedCount() > limits.windowEntriesMax ||
        connection.windowBytes > limits.windowBytesMax
      )
        sockets.close(connection, "resume");
    }
  }

  #pumpMember(userId: string): void {
    const { loaded, sockets, cache } = this.#core;
    if (loaded === null) return;
    const now = Date.now();
    while (!this.#isFull(userId)) {
      // Looked up each time: a device may have turned out to be gone.
      const member = memberOf(loaded.identity.roster, userId);
      if (member === undefined) return;
      const planned = planNext(
        loaded,
        member,
        (device) => sockets.carries(device),
        (seq) => cache.one(seq).author,
        now,
      );
      if (planned === undefined) return;
      void this.#call(loaded, member, planned, false);
    }
  }

  #isFull(userId: string): boolean {
    return (this.#underWay.get(userId)?.length ?? 0) >= limits.deliverCallsUnderWayMax;
  }

  async #call(loaded: Loaded, member: RosterMember, planned: PlannedCall, hold: boolean): Promise<boolean> {
    const { id, key, cache } = this.#core;
    const underWay = this.#underWay.get(member.user_id) ?? [];
    this.#underWay.set(member.user_id, underWay);
    const entries = cache.range(planned.range.from, planned.range.to);
    // A repeat stands by itself; live calls name the one before, so that a lost one leaves no hole.
    const after = hold ? null : (underWay.at(-1) ?? null);
    const call = composeCall(id, loaded, member, planned, entries, key, { after, hold });
    if (!hold) {
      for (const device of planned.devices) {
        const progress = loaded.progress.device(device);
        if (progress !== undefined) offerEntries(progress, device, entries, "under_way", Date.now());
      }
    }
    underWay.push(call.to);
    // A repeat cut short by its byte bound leaves its rest unknown; a live call never claimed more than it carries.
    const claimed = hold ? planned.range : { from: call.from, to: call.to };
    let succeeded = false;
    try {
      const answer = await this.#inboxes.deliver(member.user_id, call);
      succeeded = "devices" in answer && this.#settle(member, planned.devices, call, answer.devices);
    } catch {
      succeeded = false;
    }
    for (const device of planned.devices) loaded.progress.device(device)?.settle(claimed, "unknown", 0);
    underWay.splice(underWay.indexOf(call.to), 1);
    // A repeat is the alarm's, which writes back and arms once, when all have answered.
    if (hold) return succeeded;
    this.#pumpMember(member.user_id);
    if (this.#core.alarmAt === null && this.#core.hasOutstanding()) this.#core.armAlarm(limits.alarmDelayMs);
    this.#core.settleCursors();
    return succeeded;
  }

  /** Per device: handed is not placed; held and acked are. */
  #settle(
    member: RosterMember,
    devices: DeviceRef[],
    call: DeliverCall,
    statuses: Record<number, DeliverStatus>,
  ): boolean {
    const { loaded } = this.#core;
    if (loaded === null) return true;
    const range = { from: call.from, to: call.to };
    const isComplete = devices.every((device) => statuses[device.device_id] !== undefined);
    for (const device of devices) {
      const status = statuses[device.device_id];
      if (status === "gone") this.#core.setGone(device);
      else if (status === "handed") loaded.progress.device(device)?.settle(range, "handed", Date.now());
      else if (status !== undefined) loaded.progress.device(device)?.settle(range, "held", Date.now());
      if (status === "handed") this.#onLive(member.user_id);
    }
    loaded.progress.isDirty = true;
    loaded.progress.setListed(member.user_id);
    return isComplete;
  }

  #cutChatSockets(planned: PlannedCall): void {
    for (const device of planned.devices) {
      const connection = this.#core.sockets.ofDevice(device);
      if (connection?.phase === "live") this.#core.sockets.close(connection, "resume");
    }
  }

  /** Tells an Inbox that its user has this chat, when no delivery has told it yet: the founder's own. */
  async #note(userId: string): Promise<boolean> {
    const { loaded, id } = this.#core;
    if (loaded === null) return true;
    try {
      await this.#inboxes.note(userId, {
        conversation_id: id,
        kind: loaded.identity.kind,
        last_activity_at: loaded.head.sentAt,
      });
      loaded.progress.setListed(userId);
      return true;
    } catch {
      return false;
    }
  }

  /** The founder's own Inbox is called by no delivery when no other device of the founder is named. */
  async noteFounding(userId: string): Promise<void> {
    if (this.#core.loaded?.progress.isListed(userId) === false) await this.#note(userId);
  }

  /** The user closed the chat: its place in the list of chats may have changed. */
  async noteActivity(device: DeviceRef): Promise<void> {
    if (memberOf(this.#core.roster, device.user_id) !== undefined) await this.#note(device.user_id);
  }
}
