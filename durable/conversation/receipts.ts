/**
 * Watermarks on their way to those who want to see ticks [R1] [R3]: chat sockets in the same flush, Inboxes by one call
 * under way per member, later ones gathering behind it. Never queued, never stored: who is away finds them on resume.
 */
import { limits } from "../../src/protocol/limits.ts";
import type { ConversationCore } from "./core.ts";
import type { InboxPort } from "./deliveries.ts";
import { fanOutDevices } from "./progress.ts";
import type { RosterMember } from "./roster.ts";

export class Receipts {
  #core: ConversationCore;
  #inboxes: InboxPort;
  /** Members whose watermark rose and was not published yet; `read` tells whether the read one did. */
  #risen = new Map<string, { read: boolean }>();
  /** What gathers per receiving member behind the call under way. */
  #gathering = new Map<string, Set<string>>();
  #underWay = new Set<string>();
  /**
   * Members whose Inbox said that nobody is there, with whose watermarks they have missed since. Forgotten when it says
   * otherwise or calls, and asked about again after a while: an Inbox that hibernated does not know whom it told.
   */
  #away = new Map<string, { since: number; missed: Set<string> }>();

  constructor(core: ConversationCore, inboxes: InboxPort) {
    this.#core = core;
    this.#inboxes = inboxes;
  }

  rose(userId: string, what: "delivered" | "read"): void {
    const known = this.#risen.get(userId);
    this.#risen.set(userId, { read: what === "read" || known?.read === true });
  }

  /** The member's Inbox has a live socket, as far as its calls and answers show. */
  seen(userId: string): void {
    const away = this.#away.get(userId);
    this.#away.delete(userId);
    if (away !== undefined) this.#offer(userId, away.missed);
  }

  /** Puts receipts onto chat sockets (the caller flushes them) and starts the calls to Inboxes. */
  publish(): void {
    if (this.#risen.size === 0) return;
    for (const connection of this.#core.sockets.all) {
      const userIds = [...this.#risen].filter(([userId, risen]) =>
        concerns(userId, risen, connection.device.user_id),
      );
      if (userIds.length === 0) continue;
      const receipts = this.#core.watermarks(userIds.map(([userId]) => userId));
      connection.queue({ type: "receipts", conversation_id: this.#core.id, receipts });
    }
    for (const member of this.#core.roster) this.#gather(member);
    this.#risen.clear();
  }

  #gather(member: RosterMember): void {
    if (member.left_seq !== undefined) return;
    const elsewhere = fanOutDevices(member).filter((device) => !this.#core.sockets.carries(device));
    if (elsewhere.length === 0) return;
    const risen = new Set<string>();
    for (const [userId, what] of this.#risen) {
      // One's own read mark matters to one's other devices only.
      const isForSiblings = userId === member.user_id && fanOutDevices(member).length === 1;
      if (!isForSiblings && concerns(userId, what, member.user_id)) risen.add(userId);
    }
    const away = this.#away.get(member.user_id);
    for (const userId of risen) away?.missed.add(userId);
    if (away === undefined) this.#offer(member.user_id, risen);
    else if (risen.size > 0 && Date.now() - away.since >= limits.awayMs) this.seen(member.user_id);
  }

  #offer(receiver: string, userIds: ReadonlySet<string>): void {
    if (userIds.size === 0) return;
    this.#gathering.set(receiver, new Set([...(this.#gathering.get(receiver) ?? []), ...userIds]));
    if (!this.#underWay.has(receiver)) void this.#send(receiver);
  }

  async #send(receiver: string): Promise<void> {
    this.#underWay.add(receiver);
    try {
      for (let gathered = this.#take(receiver); gathered !== undefined; gathered = this.#take(receiver)) {
        const call = { conversation_id: this.#core.id, receipts: this.#core.watermarks(gathered) };
        const { live } = await this.#inboxes.receipts(receiver, call);
        const missed = this.#away.get(receiver)?.missed ?? [];
        if (!live) this.#away.set(receiver, { since: Date.now(), missed: new Set([...missed, ...gathered]) });
      }
    } catch {
      // Receipts are repeated by nobody: watermarks are found on resume.
    } finally {
      this.#underWay.delete(receiver);
    }
  }

  #take(receiver: string): Set<string> | undefined {
    const gathered = this.#gathering.get(receiver);
    this.#gathering.delete(receiver);
    return gathered;
  }
}

/** Another's watermark always; one's own only when the read mark rose, for the other devices. */
function concerns(userId: string, risen: { read: boolean }, receiver: string): boolean {
  return userId !== receiver || risen.read;
}
