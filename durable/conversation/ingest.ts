/**
 * The one way into the log [L2]: chat sockets, Inboxes and HTTP all queue here. Frames that arrive together are
 * separate events; one pending `scheduler.wait(0)` gathers them, and a flush is one transaction, then one array of
 * frames per socket. Load makes the batch; a lone sender waits for the timer's tick, about 1.1 ms locally. To flush its
 * frame at once costs the batches: messages that circle one by one then never gather (S2 over chat sockets fell to a third).
 */
import type { ErrorCode } from "../../src/protocol/errors.ts";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import { RateLimiter } from "../../src/protocol/rate-limiter.ts";
import { entriesFrames } from "../out-frames.ts";
import type { SubmitOutcome } from "../rpc.ts";
import { appendBatch, type Batch, type Decision, type Lane, type Pending } from "./append.ts";
import type { ConversationCore } from "./core.ts";
import type { Deliveries } from "./deliveries.ts";
import { type Draft, draftBytes } from "./draft.ts";
import type { LoggedEntry } from "./log.ts";
import { isBy, offerEntries } from "./plan.ts";
import type { Receipts } from "./receipts.ts";
import { deviceOf } from "./roster.ts";
import type { Loaded } from "./state.ts";

interface Queued extends Pending {
  answer: (outcome: SubmitOutcome) => void;
  isAnswered: boolean;
}

export class Ingest {
  #core: ConversationCore;
  #deliveries: Deliveries;
  #receipts: Receipts;
  #rate = new RateLimiter(limits.sendsPerDeviceBurst, limits.sendsPerDevicePerSecond);
  #queue: Queued[] = [];
  #bytes = 0;
  #isTickPending = false;

  constructor(core: ConversationCore, deliveries: Deliveries, receipts: Receipts) {
    this.#core = core;
    this.#deliveries = deliveries;
    this.#receipts = receipts;
  }

  /** Queues one draft; `answer` is called in the flush, with the outcome. Bounded: beyond it is `busy`. */
  submit(author: DeviceRef, draft: Draft, lane: Lane, answer: (outcome: SubmitOutcome) => void): void {
    // Refused here and not in the flush: a `proceed` that comes before it must not let this one overtake [L7].
    if (lane.isPaused) {
      answer({ refused: { code: "after_refusal", details: {} } });
      return;
    }
    const bytes = draftBytes(draft);
    if (this.#queue.length >= limits.ingestFramesMax || this.#bytes + bytes > limits.ingestBytesMax) {
      lane.isPaused = true;
      answer({ refused: { code: "busy", details: { retry_after_ms: limits.backoffBaseMs } } });
      return;
    }
    this.#queue.push({ author, draft, lane, answer, isAnswered: false });
    this.#bytes += bytes;
    this.schedule();
  }

  /** Makes sure a flush follows in this or the next turn. */
  schedule(): void {
    if (this.#isTickPending) return;
    this.#isTickPending = true;
    this.#core.ctx.waitUntil(this.#tick());
  }

  async #tick(): Promise<void> {
    // Microtasks never batch across events; this does, and pins nothing.
    await scheduler.wait(0);
    this.#isTickPending = false;
    this.flush();
  }

  /** Appends what is queued, then publishes entries, acks and receipts. Synchronous: nothing interleaves. */
  flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#bytes = 0;
    try {
      const batch = queue.length > 0 ? this.#append(queue) : undefined;
      if (batch !== undefined) this.#publish(queue, batch);
      this.#receipts.publish();
      this.#core.sockets.flush();
      this.#deliveries.cutSlowSockets(Date.now());
      this.#deliveries.pump();
      this.#core.settleCursors(batch?.entries.length ?? 0);
    } catch (error) {
      this.#recover(queue, error);
    }
  }

  /**
   * What went wrong after the transaction leaves the log right and memory in doubt: memory is read anew, and nobody waits
   * for an answer. The same id again gets what became of it [L3].
   */
  #recover(queue: Queued[], error: unknown): void {
    logFailure("flush_failed", error);
    this.#core.reload();
    for (const item of queue) {
      if (item.isAnswered) continue;
      item.lane.isPaused = true;
      item.isAnswered = true;
      item.answer({ refused: { code: "internal", details: {} } });
    }
    for (const connection of [...this.#core.sockets.all]) this.#core.sockets.close(connection, "resume");
  }

  #append(queue: Queued[]): Batch | undefined {
    const { loaded, ctx, sql } = this.#core;
    const refuseAll = (code: ErrorCode) => {
      for (const item of queue) {
        item.lane.isPaused = true;
        item.isAnswered = true;
        item.answer({ refused: { code, details: {} } });
      }
    };
    if (loaded === null) {
      refuseAll("not_found");
      return undefined;
    }
    const armedBefore = this.#core.alarmAt;
    let batch: Batch;
    try {
      batch = ctx.storage.transactionSync(() => {
        const made = appendBatch(sql, this.#core.id, loaded, queue, Date.now(), this.#rate);
        // [F5] In the turn of the insert: both are durable, or neither.
        if (made.entries.length > 0) this.#core.armAlarm(limits.alarmDelayMs);
        return made;
      });
    } catch (error) {
      logFailure("append_failed", error);
      this.#core.alarmAt = armedBefore;
      refuseAll("internal");
      return undefined;
    }
    this.#advance(loaded, batch);
    return batch;
  }

  #advance(loaded: Loaded, batch: Batch): void {
    const rosterChanged = loaded.identity.roster !== batch.identity.roster;
    loaded.identity = batch.identity;
    loaded.head = batch.head;
    for (const entry of batch.entries) loaded.recentIds.add(entry.author, entry.message_id, entry.seq);
    this.#core.cache.add(batch.entries);
    if (rosterChanged) loaded.progress.follow(batch.identity.roster);
  }

  #publish(queue: Queued[], batch: Batch): void {
    // The MAC is the last accepted position's of each device: it proves all below it.
    const lastOf = new Map<string, number>();
    for (const [index, decision] of batch.decisions.entries()) {
      const item = queue[index];
      if (item !== undefined && "accepted" in decision) lastOf.set(deviceKey(item.author), index);
    }
    for (const [index, item] of queue.entries()) {
      const decision = batch.decisions[index];
      if (decision === undefined) continue;
      item.isAnswered = true;
      item.answer(this.#outcome(item, decision, lastOf.get(deviceKey(item.author)) === index));
    }
    this.#showEntries(batch.entries);
    // [F8] A device that a commit removed has been shown that commit, and nothing after it.
    for (const connection of this.#core.sockets.all) {
      if (this.#core.memberDevice(connection.device) === undefined)
        this.#core.sockets.close(connection, "notFound");
    }
  }

  #outcome(item: Queued, decision: Decision, withMac: boolean): SubmitOutcome {
    if ("refused" in decision) return decision;
    const { seq, sentAt } = decision.accepted;
    const logId = this.#core.loaded?.identity.logId ?? "";
    const messageId = item.draft.message_id;
    return {
      accepted: {
        type: "accepted",
        conversation_id: this.#core.id,
        message_id: messageId,
        seq,
        sent_at: sentAt,
        log_id: logId,
        ...(withMac && { mac: this.#core.mac(logId, seq, messageId) }),
      },
    };
  }

  /** Entries to the live chat sockets, each serialised once; a device never gets its own [F4]. */
  #showEntries(entries: LoggedEntry[]): void {
    const { loaded, sockets, id } = this.#core;
    const last = entries.at(-1);
    if (loaded === null || last === undefined) return;
    const logId = loaded.identity.logId;
    const mac = this.#core.mac(logId, last.seq, last.message_id);
    const now = Date.now();
    for (const connection of sockets.all) {
      if (connection.phase !== "live") continue;
      const { device } = connection;
      const end = deviceOf(this.#core.roster, device)?.left_seq ?? last.seq;
      const shown = entries.filter((entry) => entry.seq <= end);
      const progress = loaded.progress.device(device);
      if (progress !== undefined) offerEntries(progress, device, shown, "handed", now);
      const others = shown.filter((entry) => !isBy(entry, device));
      const lastShown = others.at(-1)?.seq ?? 0;
      const proof = lastShown === last.seq ? mac : null;
      const jsons = others.map((entry) => entry.json);
      for (const frame of entriesFrames(id, logId, jsons, proof)) {
        connection.out.push(frame);
        connection.wrote(lastShown, frame.length);
      }
    }
  }
}

function logFailure(event: "append_failed" | "flush_failed", error: unknown): void {
  console.error(JSON.stringify({ event, reason: error instanceof Error ? error.name : "unknown" }));
}
