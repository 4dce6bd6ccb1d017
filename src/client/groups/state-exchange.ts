/**
 * [E16] A device that came in by external commit does not know the group's state: it asks, and the next member online
 * answers, in parts. Whoever sees an answer keeps silent.
 */
import { base64 } from "@scure/base";
import { concat } from "../../mls-guard/bytes.ts";
import { type DeviceRef, deviceKey } from "../../protocol/ids.ts";
import { limits } from "../../protocol/limits.ts";
import type { Content } from "../content.ts";
import type { CryptoPort } from "../crypto/port.ts";
import type { Timer } from "../environment.ts";
import type { Outbox } from "../outbox/outbox.ts";
import { groupStateOf } from "../sync/commit-state.ts";
import type { Desk } from "../sync/desk.ts";
import { roleIn } from "../sync/roster.ts";

type StatePart = Extract<Content, { type: "state_part" }>;

export interface StateExchangeOptions {
  desk: Desk;
  crypto: CryptoPort;
  outbox: Outbox;
}

export class StateExchange {
  readonly #options: StateExchangeOptions;
  readonly #answers = new Map<string, Timer>();
  readonly #parts = new Map<string, StatePart[]>();
  constructor(options: StateExchangeOptions) {
    this.#options = options;
  }

  wanted(conversationId: string, hash: string): void {
    const { desk } = this.#options;
    const key = `${conversationId} ${hash}`;
    if (this.#answers.has(key)) return;
    const delayMs = desk.environment.random() * limits.commitJitterMs;
    const timer = desk.environment.setTimer(delayMs, () => {
      this.#answers.delete(key);
      // What cannot be stored now is asked for again.
      this.#answer(conversationId, hash).catch(() => {});
    });
    this.#answers.set(key, timer);
  }

  /** One member's parts make one document: another's cannot spoil it. */
  async part(conversationId: string, part: StatePart, sender: DeviceRef): Promise<void> {
    const answer = `${conversationId} ${part.hash}`;
    const timer = this.#answers.get(answer);
    if (timer !== undefined) this.#options.desk.environment.clearTimer(timer);
    this.#answers.delete(answer);
    const key = `${conversationId} ${deviceKey(sender)}`;
    const known = await this.#options.desk.store.get("documents", [conversationId]);
    if (known?.hash === part.hash || this.#options.desk.conversation(conversationId)?.stateHash !== part.hash)
      return;
    const isAlike = (it: StatePart) => it.hash === part.hash && it.count === part.count;
    const others = (this.#parts.get(key) ?? []).filter((it) => isAlike(it) && it.index !== part.index);
    const parts = [...others, part].sort((one, other) => one.index - other.index);
    this.#parts.set(key, parts);
    if (parts.length < part.count) return;
    this.#parts.delete(key);
    await this.#take(conversationId, part.hash, concat(...parts.map((it) => base64.decode(it.bytes))));
  }

  stop(): void {
    for (const timer of this.#answers.values()) this.#options.desk.environment.clearTimer(timer);
    this.#answers.clear();
  }

  async #answer(conversationId: string, hash: string): Promise<void> {
    const { desk, outbox } = this.#options;
    const known = await desk.store.get("documents", [conversationId]);
    if (known === null || known.hash !== hash) return;
    const count = Math.ceil(known.document.length / limits.statePartBytesMax);
    const parts = Array.from({ length: count }, (_, index): StatePart => {
      const from = index * limits.statePartBytesMax;
      const bytes = known.document.subarray(from, from + limits.statePartBytesMax);
      return { v: 1, type: "state_part", hash, index, count, bytes: base64.encode(bytes) };
    });
    await outbox.writeSilent(conversationId, parts);
  }

  async #take(conversationId: string, hash: string, document: Uint8Array): Promise<void> {
    const { crypto, desk } = this.#options;
    const read = await crypto.readState(document);
    if (read === null || base64.encode(read.hash) !== hash) return;
    await desk.inTurn(conversationId, async () => {
      const record = desk.conversation(conversationId);
      if (record === null || record.stateHash !== hash) return;
      const put = { conversationId, document, hash };
      const state = groupStateOf(put);
      if (state === null) return;
      const members = record.members.map((it) => ({ ...it, role: roleIn(state, it.userId) }));
      await desk.commit({ ...record, name: state.name, members }, [{ table: "documents", put }]);
    });
  }
}
