/**
 * Receiving by HTTP: for a network that lets no WebSocket through, and for a service worker that was woken. The same
 * cursors, the same rule: what a poll brought is acknowledged by the next one, after it was stored [D1].
 */

import { z } from "zod";
import { pollAnswerSchema } from "../../protocol/http.ts";
import { limits } from "../../protocol/limits.ts";
import type { Timer } from "../environment.ts";
import type { Desk } from "../sync/desk.ts";
import type { InboxStore } from "../sync/inbox-store.ts";
import type { ReadMarks } from "../sync/read-marks.ts";
import type { Receiver } from "../sync/receiver.ts";
import { receivedEntriesSchema } from "./frames.ts";
import { backoffMs } from "./state.ts";

const receivedPollSchema = pollAnswerSchema.extend({ frames: z.array(receivedEntriesSchema) });
/** One call to `poll` goes on this long at most; what is left then comes with the next. */
const roundsMax = 50;

export interface PollLoopOptions {
  desk: Desk;
  receiver: Receiver;
  readMarks: ReadMarks;
  inboxStore: InboxStore;
  /** Chats on screen: a poll brings no receipts, so their state is asked for. */
  onScreen(): string[];
  /** HTTP works while sockets do not, or no longer. */
  onWorking(isWorking: boolean): void;
}

export class PollLoop {
  readonly #options: PollLoopOptions;
  readonly #acks = new Map<string, number>();
  /** Read marks reported since the loop started: a poll's answer does not confirm them. */
  readonly #reads = new Map<string, number>();
  #run = 0;
  #isRunning = false;
  /** Until a first poll was answered, at once, nobody knows whether HTTP gets through. */
  #isWorking = false;
  #timer: Timer | null = null;
  constructor(options: PollLoopOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run += 1;
    this.#reads.clear();
    void this.#loop(this.#run, 0);
  }

  stop(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#run += 1;
    if (this.#timer !== null) this.#options.desk.environment.clearTimer(this.#timer);
    this.#setWorking(false);
  }

  /** True when nothing more is stored for this device. */
  async poll(waitMs: number): Promise<boolean> {
    let isLive = await this.#round(waitMs);
    for (let round = 1; round < roundsMax && (!isLive || this.#acks.size > 0); round += 1) {
      isLive = await this.#round(0);
    }
    return isLive;
  }

  async #loop(run: number, failures: number): Promise<void> {
    if (run !== this.#run) return;
    const { environment } = this.#options.desk;
    try {
      const startedMs = environment.now();
      await this.#round(this.#isWorking && this.#acks.size === 0 ? limits.pollWaitMsMax : 0);
      if (run !== this.#run) return;
      this.#setWorking(true);
      this.#refreshScreen();
      // A server that answers at once with nothing must not be asked in a tight circle.
      const isQuick = environment.now() - startedMs < limits.backoffBaseMs && this.#acks.size === 0;
      this.#timer = environment.setTimer(isQuick ? limits.backoffBaseMs : 0, () => void this.#loop(run, 0));
    } catch {
      if (run !== this.#run) return;
      this.#setWorking(false);
      const delayMs = backoffMs(failures, environment.random());
      this.#timer = environment.setTimer(delayMs, () => void this.#loop(run, failures + 1));
    }
  }

  #setWorking(isWorking: boolean): void {
    this.#isWorking = isWorking;
    this.#options.onWorking(isWorking);
  }

  #refreshScreen(): void {
    const { receiver, onScreen } = this.#options;
    for (const conversationId of onScreen()) receiver.bringUp(conversationId).catch(() => {});
  }

  async #round(waitMs: number): Promise<boolean> {
    const { desk, receiver, inboxStore } = this.#options;
    const reports = this.#reports();
    const answer = await desk.call({
      method: "POST",
      path: "/inbox/poll",
      body: { reports, wait_ms: Math.min(waitMs, limits.pollWaitMsMax) },
      answer: receivedPollSchema,
      waitMs,
    });
    for (const { conversation_id, acked, read } of reports) {
      if (acked !== undefined && this.#acks.get(conversation_id) === acked)
        this.#acks.delete(conversation_id);
      if (read !== undefined) this.#reads.set(conversation_id, read);
    }
    inboxStore.seen(answer.store_id);
    for (const { conversation_id } of answer.refused) receiver.retryLater(conversation_id);
    const acknowledge = (conversationId: string, seq: number) => void this.#acks.set(conversationId, seq);
    const taken = answer.frames.map((frame) => receiver.entries(frame, acknowledge));
    // What could not be stored now will be in the next answer again.
    const isAllTaken = (await Promise.all([...taken, receiver.marked(answer.marks, acknowledge)])).every(
      Boolean,
    );
    return answer.live && isAllTaken;
  }

  #reports(): { conversation_id: string; acked?: number; read?: number }[] {
    // [L5] Beyond the cursor only if the log was replaced since: of the new one this device has less.
    for (const [conversationId, seq] of this.#acks) {
      const record = this.#options.desk.conversation(conversationId);
      if (record !== null && seq > record.cursor.seq) this.#acks.delete(conversationId);
    }
    const reads = this.#options.readMarks
      .unconfirmed()
      .filter((record) => this.#reads.get(record.conversationId) !== record.ownRead);
    const readOf = new Map(reads.map((record) => [record.conversationId, record.ownRead]));
    const ids = [...new Set([...this.#acks.keys(), ...readOf.keys()])].slice(
      0,
      limits.backlogConversationsMax,
    );
    return ids.map((conversation_id) => {
      const acked = this.#acks.get(conversation_id);
      const read = readOf.get(conversation_id);
      return {
        conversation_id,
        ...(acked === undefined ? {} : { acked }),
        ...(read === undefined ? {} : { read }),
      };
    });
  }
}
