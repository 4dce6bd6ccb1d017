/**
 * Watermarks on their way to those who want to see ticks [R1] [R3]: chat sockets in the same flush, Inboxes by one call
 * under way per member, later ones gathering behind it. Never queued, never stored: who is away finds them on resume.
 */
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
  /** Members whose Inbox said that no socket is live; forgotten when it says otherwise or calls. */
  #away = new Set<string>();

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
    this.#away.delete(userId);
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
    if (member.left_seq !== undefined || this.#away.has(member.user_id)) return;
    const elsewhere = fanOutDevices(member).filter((device) => !this.#core.sockets.carries(device));
    if (elsewhere.length === 0) return;
    const gathering = this.#gathering.get(member.user_id) ?? new Set();
    for (const [userId, risen] of this.#risen) {
      // One's own read mark matters to one's other devices only.
      const isForSiblings = userId === member.user_id && fanOutDevices(member).length === 1;
      if (!isForSiblings && concerns(userId, risen, member.user_id)) gathering.add(userId);
    }
    if (gathering.size === 0) return;
    this.#gathering.set(member.user_id, gathering);
    if (!this.#underWay.has(member.user_id)) void this.#send(member.user_id);
  }

  async #send(receiver: string): Promise<void> {
    this.#underWay.add(receiver);
    try {
      for (let gathered = this.#take(receiver); gathered !== undefined; gathered = this.#take(receiver)) {
        const call = { conversation_id: this.#core.id, receipts: this.#core.watermarks(gathered) };
        const { live } = await this.#inboxes.receipts(receiver, call);
        if (!live) this.#away.add(receiver);
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
