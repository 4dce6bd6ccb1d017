/**
 * Mends what was refused, in the conversation's turn. [E3] Only `stale_epoch` permits other bytes under an id: it
 * implies that the id is not in the log. Attempts count answers, so a missing network never uses them up.
 */
import { limits } from "../../protocol/limits.ts";
import { backoffMs } from "../connection/state.ts";
import type { OutboxRecord } from "../store/records.ts";
import type { Desk } from "../sync/desk.ts";
import type { LogReader } from "../sync/log-reader.ts";
import type { Lane } from "./lane.ts";
import type { Outbox } from "./outbox.ts";
import { repairFor } from "./repair.ts";

type Refusal = Lane["refusals"][number];

export interface MenderOptions {
  desk: Desk;
  outbox: Outbox;
  reader: LogReader;
  /** Shows this device's position to the Conversation and takes its answer; resolves once that has been done. */
  claimPosition(conversationId: string): Promise<void>;
  /** The server does not know this device there: it finds out in the background what became of it. */
  lookAgain(conversationId: string): void;
  /** [E14] Commits the removal of whoever has to go first. */
  removeDue(conversationId: string): Promise<void>;
}

export class Mender {
  readonly #options: MenderOptions;
  constructor(options: MenderOptions) {
    this.#options = options;
  }

  /** Rejects when it could not be done now; then it is to be called again. `delayMs`: wait before going on. */
  async mend(lane: Lane): Promise<{ delayMs: number }> {
    let delayMs = 0;
    for (const refusal of [...lane.refusals]) {
      delayMs = Math.max(delayMs, await this.#mendOne(lane.conversationId, refusal));
      lane.refusals = lane.refusals.filter((known) => known !== refusal);
    }
    return { delayMs };
  }

  async #mendOne(conversationId: string, refusal: Refusal): Promise<number> {
    const { desk, outbox, reader } = this.#options;
    const repair = repairFor(refusal.code);
    if (repair === "go_on") return 0;
    if (repair === "look_first") await desk.inTurn(conversationId, () => this.#look(conversationId));
    const item = outbox.find(conversationId, refusal.message_id);
    if (item === null || item.state === "failed") return 0;
    if (repair === "fail" || repair === "look_first" || item.attempts + 1 >= limits.outboxAttemptsMax) {
      await outbox.update({ ...item, attempts: item.attempts + 1, state: "failed", failure: refusal.code });
      if (refusal.code === "not_found") this.#options.lookAgain(conversationId);
      return 0;
    }
    if (repair === "claim_position") await this.#options.claimPosition(conversationId);
    if (repair === "catch_up") await desk.inTurn(conversationId, () => reader.catchUp(conversationId));
    if (repair === "encrypt_again") await desk.inTurn(conversationId, () => this.#reachEpoch(item));
    if (repair === "remove_due") await this.#options.removeDue(conversationId);
    await this.#count(conversationId, refusal, repair === "encrypt_again" || repair === "remove_due");
    if (repair !== "wait") return 0;
    return refusal.retry_after_ms ?? backoffMs(item.attempts + 1, desk.environment.random());
  }

  async #look(conversationId: string): Promise<void> {
    await this.#options.reader.refresh(conversationId);
    await this.#options.reader.catchUp(conversationId);
  }

  async #reachEpoch(item: OutboxRecord): Promise<void> {
    const { desk, reader } = this.#options;
    const { conversationId, sealed } = item;
    if ((desk.conversation(conversationId)?.epoch ?? 0) <= (sealed?.epoch ?? 0))
      await reader.refresh(conversationId);
    await reader.catchUp(conversationId);
  }

  /** The item may have turned up in the log meanwhile. */
  async #count(conversationId: string, refusal: Refusal, isEncryptedAgain: boolean): Promise<void> {
    const { outbox } = this.#options;
    const item = outbox.find(conversationId, refusal.message_id);
    if (item === null) return;
    const counted = { ...item, attempts: item.attempts + 1 };
    if (!isEncryptedAgain) return await outbox.update(counted);
    await outbox.update({ ...counted, sealed: null });
  }
}
