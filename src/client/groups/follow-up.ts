/**
 * What entries ask for beyond being stored: answers to other devices, repairs [E9], removals that are due [E14]. All of it
 * may fail or come twice; what matters is found again when the conversation is next brought up to date.
 */
import { userDevicesSchema } from "../../protocol/http.ts";
import { type DeviceRef, deviceKey } from "../../protocol/ids.ts";
import { limits } from "../../protocol/limits.ts";
import { RateLimiter } from "../../protocol/rate-limiter.ts";
import type { Content } from "../content.ts";
import type { CryptoPort } from "../crypto/port.ts";
import type { Timer } from "../environment.ts";
import { type MlsFailure, mlsRepairFor } from "../mls/failures.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Profiles } from "../profiles/profiles.ts";
import { getValue, putValue } from "../store/store.ts";
import type { Desk } from "../sync/desk.ts";
import type { FollowUp, Need } from "../sync/reading.ts";
import { usersOf } from "../sync/roster.ts";
import type { Committer } from "./committer.ts";
import { type Joiner, orNotFound } from "./joiner.ts";
import { StateExchange } from "./state-exchange.ts";

/** How far back an answer to a resend request looks for commits. */
const resendReachEntries = 500;

export interface FollowUpsOptions {
  desk: Desk;
  crypto: CryptoPort;
  outbox: Outbox;
  profiles: Profiles;
  joiner: Joiner;
  committer: Committer;
  /** The conversation needs bringing up to date, with whatever that repairs. */
  bringUp(conversationId: string): void;
}

export class FollowUps {
  readonly #options: FollowUpsOptions;
  readonly #states: StateExchange;
  readonly #timers = new Map<string, Timer>();
  readonly #answers = new RateLimiter(limits.repairAnswersBurst, limits.repairAnswersPerSecond);
  readonly #resends = new Map<string, number>();
  #isStopped = false;
  constructor(options: FollowUpsOptions) {
    this.#options = options;
    this.#states = new StateExchange(options);
  }

  follow(conversationId: string, followUps: readonly FollowUp[]): void {
    for (const followUp of followUps) {
      this.#one(conversationId, followUp).catch(() => this.#options.bringUp(conversationId));
    }
  }

  /** In the conversation's turn. Rejects when it has to be tried again. */
  async provide(conversationId: string, need: Need): Promise<void> {
    const { desk, joiner } = this.#options;
    if (need.type === "welcome") {
      await joiner.takeWelcome(conversationId, null);
      return;
    }
    const missing = new Set<string>();
    for (const userId of usersOf(need.devices)) {
      const path = `/users/${userId}/devices`;
      const answer = await orNotFound(desk.call({ method: "GET", path, answer: userDevicesSchema }));
      const devices = answer?.devices ?? [];
      for (const device of need.devices)
        if (device.user_id === userId && !devices.includes(device.device_id)) missing.add(deviceKey(device));
    }
    const record = desk.conversation(conversationId);
    const toRemove = need.devices.filter((device) => missing.has(deviceKey(device)));
    if (record !== null) await desk.commit({ ...record, toRemove: [...record.toRemove, ...toRemove] }, []);
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) this.#options.desk.environment.clearTimer(timer);
    this.#states.stop();
  }

  async count(code: string): Promise<void> {
    const { store } = this.#options.desk;
    const counts = (await getValue(store, "failure_counts")) ?? {};
    await store.apply([putValue("failure_counts", { ...counts, [code]: (counts[code] ?? 0) + 1 })]);
  }

  async #one(conversationId: string, followUp: FollowUp): Promise<void> {
    const { outbox, profiles, bringUp } = this.#options;
    switch (followUp.type) {
      case "profile_key":
        return await profiles.learned(followUp.userId, followUp.key, followUp.phone);
      case "state_wanted":
        if (this.#mayAnswer(conversationId, followUp.asker))
          this.#states.wanted(conversationId, followUp.hash);
        return;
      case "ask_for_state":
        return await outbox.writeSilent(conversationId, [
          { v: 1, type: "state_request", hash: followUp.hash },
        ]);
      case "state_part":
        return await this.#states.part(conversationId, followUp.content, followUp.sender);
      case "resend_wanted":
        if (!this.#mayAnswer(conversationId, followUp.asker)) return;
        return await this.#resend(conversationId, followUp.messageId, followUp.seq);
      case "failed":
        return await this.#failed(conversationId, followUp.failure, followUp);
      case "removal_due":
        return this.#removeLater(conversationId);
      case "join_due":
        return bringUp(conversationId);
    }
  }

  /** Each answer is a message to everybody: one member's requests must not make the others fill the log. */
  #mayAnswer(conversationId: string, asker: DeviceRef): boolean {
    const { environment } = this.#options.desk;
    return this.#answers.take(`${conversationId} ${deviceKey(asker)}`, environment.now()) === 0;
  }

  /** Only from this device's own copy, and only of what it wrote itself. */
  async #resend(conversationId: string, messageId: string, seq: number): Promise<void> {
    const { desk, outbox } = this.#options;
    const message = await desk.store.get("messages", [conversationId, seq, 0]);
    const entry = await desk.store.get("entries", [conversationId, seq]);
    const raw = entry?.raw as { sender?: { device_id?: number } } | undefined;
    const isOurs =
      message?.messageId === messageId &&
      message.senderId === desk.session.userId &&
      raw?.sender?.device_id === desk.session.deviceId;
    if (!isOurs || message.body.type !== "text") return;
    // [E3] Only to those who could read it when it came: nobody has come in since.
    const since = await desk.store.range("entries", { conversationId, from: seq, limit: resendReachEntries });
    const isReached = since.length < resendReachEntries;
    if (!isReached || since.some(({ raw: later }) => (later as { kind?: string }).kind === "commit")) return;
    const content: Content = { v: 1, type: "resend", message_id: messageId, seq, text: message.body.text };
    await outbox.writeSilent(conversationId, [content]);
  }

  async #failed(
    conversationId: string,
    failure: MlsFailure,
    { messageId, seq }: { messageId: string; seq: number },
  ): Promise<void> {
    const { desk, outbox, bringUp } = this.#options;
    await this.count(failure);
    const record = desk.conversation(conversationId);
    const repair = mlsRepairFor(failure);
    if (repair === "resend") {
      const asked = this.#resends.get(conversationId) ?? 0;
      this.#resends.set(conversationId, asked + 1);
      if (asked >= limits.resendRequestsPerChatMax) return;
      await outbox.writeSilent(conversationId, [
        { v: 1, type: "resend_request", message_id: messageId, seq },
      ]);
    }
    // Entries come without gaps: an epoch that is ahead means that a commit before it could not be applied.
    const isAhead = repair === "rejoin" || failure === "epoch_ahead";
    // A commit that was not taken has ended this device's epoch, whatever was wrong with it.
    const isStuck = isAhead || record?.security === "repairing";
    if (!isStuck || record === null || record.security === "fork") return;
    await desk.inTurn(conversationId, async () => {
      const present = desk.conversation(conversationId);
      if (present?.security === "ok") await desk.commit({ ...present, security: "repairing" }, []);
    });
    bringUp(conversationId);
  }

  /** Every member sees that somebody has to go: the first one does it, at a moment of its own. */
  #removeLater(conversationId: string): void {
    const { committer, desk, bringUp } = this.#options;
    const { environment } = desk;
    if (this.#isStopped || this.#timers.has(conversationId)) return;
    const delayMs = environment.random() * limits.commitJitterMs;
    const timer = environment.setTimer(delayMs, () => {
      this.#timers.delete(conversationId);
      committer.removeDue(conversationId).catch(() => bringUp(conversationId));
    });
    this.#timers.set(conversationId, timer);
  }
}
