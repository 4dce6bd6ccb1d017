/**
 * Sends what the outbox holds: in order per conversation, over one path at a time, the oldest unanswered first on a new
 * path [L7], until the log has it. What a refusal needs before anything later may go is mender.ts's.
 */
import { ProtocolError } from "../../protocol/errors.ts";
import { limits } from "../../protocol/limits.ts";
import { type Accepted, acceptedSchema, type Refused, type Send } from "../../protocol/send.ts";
import { backoffMs } from "../connection/state.ts";
import type { OutboxRecord } from "../store/records.ts";
import type { Acceptance } from "../sync/acceptance.ts";
import type { Desk } from "../sync/desk.ts";
import { isSamePath, isUp, type Lane, type SendPath, sendable } from "./lane.ts";
import type { Mender } from "./mender.ts";
import type { Outbox } from "./outbox.ts";
import type { Sealer } from "./sealer.ts";

export interface SenderOptions {
  desk: Desk;
  outbox: Outbox;
  mender: Mender;
  sealer: Sealer;
  acceptance: Acceptance;
  /** The chat's socket if it is live, else the inbox socket, else HTTP where sockets do not open; null: wait. */
  choosePath(conversationId: string): SendPath | null;
}

export class Sender {
  readonly #options: SenderOptions;
  #isStopped = false;
  constructor(options: SenderOptions) {
    this.#options = options;
    options.outbox.onWork = (lane) => this.#check(lane);
  }

  /** A socket came or went, or the network is back. */
  pathsChanged(): void {
    for (const lane of this.#options.outbox.lanes()) this.#check(lane);
  }

  /** The user or the browser says: try now. */
  wake(): void {
    for (const lane of this.#options.outbox.lanes()) {
      // A wait that the server asked for is kept.
      if (lane.absences > 0) this.#clearWait(lane);
    }
    this.pathsChanged();
  }

  stop(): void {
    this.#isStopped = true;
    for (const lane of this.#options.outbox.lanes()) {
      this.#clearWait(lane);
      this.#armAnswerTimer(lane, false);
    }
  }

  async accepted(frame: Accepted): Promise<void> {
    const lane = this.#options.outbox.lane(frame.conversation_id);
    lane.inFlight.delete(frame.message_id);
    lane.accepted.add(frame.message_id);
    this.#armAnswerTimer(lane, lane.inFlight.size > 0);
    this.#check(lane);
    try {
      await this.#options.acceptance.take(frame);
      lane.absences = 0;
    } catch (error) {
      // It could not be stored here. It is sent again to get this answer again, but not in a tight circle.
      this.#waitForNetwork(lane);
      throw error;
    } finally {
      lane.accepted.delete(frame.message_id);
      this.#check(lane);
    }
  }

  refused(frame: Pick<Refused, "conversation_id" | "message_id" | "code" | "retry_after_ms">): void {
    const lane = this.#options.outbox.lane(frame.conversation_id);
    // An answer from before the path changed; what it is about has been sent again since.
    if (!lane.inFlight.delete(frame.message_id)) return;
    lane.refusals.push(frame);
    lane.isHeldBack = true;
    this.#armAnswerTimer(lane, lane.inFlight.size > 0);
    this.#check(lane);
  }

  #check(lane: Lane): void {
    if (this.#isStopped) return;
    if (lane.path !== null && !isUp(lane.path)) {
      lane.path = null;
      lane.inFlight.clear();
      this.#armAnswerTimer(lane, false);
    }
    if (lane.isHeldBack && lane.inFlight.size === 0) void this.#mend(lane);
    if (!lane.isHeldBack && lane.waitTimer === null) this.#send(lane);
  }

  #send(lane: Lane): void {
    const path = this.#options.choosePath(lane.conversationId);
    if (path === null) return;
    if (lane.path !== null && !isSamePath(lane.path, path) && lane.inFlight.size > 0) return;
    lane.path = path;
    const countMax = path.type === "http" ? 1 : limits.outboxInFlightMax;
    const items = sendable(lane, countMax - lane.inFlight.size);
    if (items.length === 0) return;
    const unsealed = items.findIndex((item) => item.sealed === null);
    if (unsealed === 0) return void this.#seal(lane, items);
    // Those behind the first that is not sealed wait for it: order is kept [L7].
    if (unsealed > 0) items.splice(unsealed);
    for (const item of items) lane.inFlight.add(item.messageId);
    if (path.type === "http") {
      for (const item of items) void this.#post(lane, item);
      return;
    }
    path.connection.send(items.map((item) => this.#frame(item)));
    this.#armAnswerTimer(lane, true);
    if (unsealed > 0) this.#check(lane);
  }

  /** What cannot be sealed now waits for the conversation to change, which comes back here. */
  async #seal(lane: Lane, items: readonly OutboxRecord[]): Promise<void> {
    // Something changed while the answer was on its way: it is asked once more.
    lane.isSealDue = lane.isSealing;
    if (lane.isSealing) return;
    lane.isSealing = true;
    let isSealed = false;
    try {
      const ids = items.map((item) => item.messageId);
      isSealed = await this.#options.sealer.seal(lane.conversationId, ids);
    } catch {
      this.#waitForNetwork(lane);
    } finally {
      lane.isSealing = false;
    }
    if (isSealed || lane.isSealDue) this.#check(lane);
  }

  /** [L3] The base rises to the cursor: everything up to there is held, and whatever of ours was in it is settled. */
  #frame(item: OutboxRecord): Send {
    const cursor = this.#options.desk.conversation(item.conversationId)?.cursor.seq ?? 0;
    return {
      type: "send",
      conversation_id: item.conversationId,
      message_id: item.messageId,
      generation: item.sealed?.generation ?? 1,
      epoch: item.sealed?.epoch ?? 0,
      // Never the item's own: that one was at most the cursor, or is of a log that was replaced since [L5].
      base_seq: cursor,
      silent: item.silent,
      envelope: item.sealed?.envelope ?? "",
    };
  }

  async #post(lane: Lane, item: OutboxRecord): Promise<void> {
    const { type: _, conversation_id: conversationId, ...body } = this.#frame(item);
    try {
      const path = `/conversations/${conversationId}/messages`;
      const frame = await this.#options.desk.call({ method: "POST", path, body, answer: acceptedSchema });
      lane.absences = 0;
      await this.accepted(frame);
    } catch (error) {
      if (error instanceof ProtocolError) {
        const { retry_after_ms } = error.details;
        const details = retry_after_ms === undefined ? {} : { retry_after_ms };
        this.refused({
          conversation_id: conversationId,
          message_id: item.messageId,
          code: error.code,
          ...details,
        });
      } else {
        lane.inFlight.delete(item.messageId);
        this.#waitForNetwork(lane);
      }
    }
  }

  /** [L7] Everything in flight is answered: mend the refused, say so, go on. */
  async #mend(lane: Lane): Promise<void> {
    if (lane.isRepairing || lane.waitTimer !== null) return;
    lane.isRepairing = true;
    try {
      const { delayMs } = await this.#options.mender.mend(lane);
      lane.absences = 0;
      if (delayMs > 0) this.#wait(lane, delayMs, () => this.#goOn(lane));
      else this.#goOn(lane);
    } catch {
      this.#waitForNetwork(lane);
    } finally {
      lane.isRepairing = false;
      this.#check(lane);
    }
  }

  #goOn(lane: Lane): void {
    lane.isHeldBack = false;
    // A refusal lives on the connection it was made on; another one knows nothing of it.
    if (lane.path?.type === "socket" && isUp(lane.path)) {
      lane.path.connection.send([{ type: "proceed", conversation_id: lane.conversationId }]);
    }
  }

  #waitForNetwork(lane: Lane): void {
    const delayMs = backoffMs(lane.absences, this.#options.desk.environment.random());
    lane.absences += 1;
    this.#wait(lane, delayMs, () => {});
  }

  #wait(lane: Lane, delayMs: number, then: () => void): void {
    if (this.#isStopped || lane.waitTimer !== null) return;
    lane.waitTimer = this.#options.desk.environment.setTimer(delayMs, () => {
      lane.waitTimer = null;
      then();
      this.#check(lane);
    });
  }

  #clearWait(lane: Lane): void {
    if (lane.waitTimer !== null) this.#options.desk.environment.clearTimer(lane.waitTimer);
    lane.waitTimer = null;
  }

  /** No answer in time means that the socket is dead, whatever it says of itself. */
  #armAnswerTimer(lane: Lane, isWaiting: boolean): void {
    const { environment } = this.#options.desk;
    if (lane.answerTimer !== null) environment.clearTimer(lane.answerTimer);
    lane.answerTimer = null;
    const { path } = lane;
    if (!isWaiting || path === null || path.type === "http") return;
    lane.answerTimer = environment.setTimer(limits.ackTimeoutMs, () => {
      lane.answerTimer = null;
      if (isUp(path)) path.connection.giveUp();
    });
  }
}
