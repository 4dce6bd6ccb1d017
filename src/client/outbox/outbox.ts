/**
 * What this device has written and no log holds yet: kept in the store before it is shown, in order per conversation,
 * until the log has it or the user gives it up. Sending is sender.ts's.
 */

import { base64 } from "@scure/base";
import { ProtocolError } from "../../protocol/errors.ts";
import { limits } from "../../protocol/limits.ts";
import { type Content, introductionIn } from "../content.ts";
import type { ConversationRecord, OutboxRecord } from "../store/records.ts";
import { type Change, getValue } from "../store/store.ts";
import type { Desk, Joined } from "../sync/desk.ts";
import type { OutboxLink } from "../sync/log-writer.ts";
import { isInLog } from "./in-log.ts";
import { type Lane, newLane, nextPosition, replaceItem } from "./lane.ts";
import { needsNewId } from "./repair.ts";

export class Outbox implements OutboxLink {
  readonly #desk: Desk;
  readonly #lanes = new Map<string, Lane>();
  /** Writing has an order too: each message of a chat is stored before the next is encoded. */
  readonly #writing = new Map<string, Promise<unknown>>();
  /** Called with a lane in which something new may be sent. */
  onWork: (lane: Lane) => void = () => {};

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async load(): Promise<void> {
    for (const item of await this.#desk.store.all("outbox")) this.lane(item.conversationId).items.push(item);
  }

  lane(conversationId: string): Lane {
    const known = this.#lanes.get(conversationId);
    if (known !== undefined) return known;
    const lane = newLane(conversationId);
    this.#lanes.set(conversationId, lane);
    return lane;
  }
  lanes(): Lane[] {
    return [...this.#lanes.values()];
  }
  find(conversationId: string, messageId: string): OutboxRecord | null {
    return this.lane(conversationId).items.find((item) => item.messageId === messageId) ?? null;
  }

  /** `isRepeat`: a follower asks again, and the message may be here, or in the log, already [L3]. */
  async write(conversationId: string, messageId: string, text: string, isRepeat = false): Promise<void> {
    const before = this.#writing.get(conversationId) ?? Promise.resolve();
    const writing = before.then(async () => {
      if (this.find(conversationId, messageId) !== null) return;
      if (isRepeat && (await isInLog(this.#desk.store, conversationId, messageId))) return;
      await this.#write(conversationId, messageId, text);
    });
    this.#writing.set(
      conversationId,
      writing.catch(() => undefined),
    );
    await writing;
  }

  async #write(conversationId: string, messageId: string, text: string): Promise<void> {
    const record = this.#desk.conversation(conversationId);
    if (record === null) throw new ProtocolError("not_found");
    if (!record.isMember) throw new ProtocolError("not_allowed");
    if (text.length > limits.textCharsMax) throw new ProtocolError("too_large");
    const profile = await this.#introduction(record);
    const content = { v: 1, type: "text", text, ...(profile === null ? {} : { profile }) } as const;
    const item = { ...this.#item(conversationId, content, false), messageId };
    await this.#put(conversationId, [item]);
  }

  /** What nobody sees: keys, requests, repairs. Not sent twice while the first still waits. */
  async writeSilent(conversationId: string, contents: readonly Content[]): Promise<void> {
    const before = this.#writing.get(conversationId) ?? Promise.resolve();
    const writing = before.then(async () => {
      const waiting = new Set(this.lane(conversationId).items.map((item) => JSON.stringify(item.content)));
      const fresh = contents.filter((content) => !waiting.has(JSON.stringify(content)));
      const items = fresh.map((content) => this.#item(conversationId, content, true));
      if (items.length > 0) await this.#put(conversationId, items);
    });
    this.#writing.set(
      conversationId,
      writing.catch(() => undefined),
    );
    await writing;
  }

  /** Who this is, once more, to whoever came in since it was said. */
  async introduce(conversationId: string): Promise<void> {
    const record = this.#desk.conversation(conversationId);
    const profile = record === null ? null : await this.#introduction(record);
    if (profile !== null) await this.writeSilent(conversationId, [{ v: 1, type: "profile_key", ...profile }]);
  }

  async #introduction({
    conversationId,
    isProfileDue,
  }: ConversationRecord): Promise<{ key: string; phone: string } | null> {
    const profile = await getValue(this.#desk.store, "own_profile");
    const { items } = this.lane(conversationId);
    const isOnItsWay = items.some(
      (item) => introductionIn(item.content) !== null && item.state === "pending",
    );
    if (!isProfileDue || isOnItsWay || profile === null) return null;
    return { key: base64.encode(profile.key), phone: this.#desk.session.phone };
  }

  #item(conversationId: string, content: Content, silent: boolean): Omit<OutboxRecord, "position"> {
    const { environment } = this.#desk;
    const nowMs = environment.now();
    return {
      conversationId,
      messageId: environment.newMessageId(nowMs),
      silent,
      sealed: null,
      content,
      createdAtMs: nowMs,
      attempts: 0,
      state: "pending",
      failure: null,
    };
  }

  async #put(conversationId: string, items: readonly Omit<OutboxRecord, "position">[]): Promise<void> {
    const lane = this.lane(conversationId);
    await this.#desk.exclusively(conversationId, async () => {
      const first = nextPosition(lane);
      const placed = items.map((item, index) => ({ ...item, position: first + index }));
      await this.#desk.store.apply(placed.map((put): Change => ({ table: "outbox", put })));
      lane.items.push(...placed);
    });
    this.#tell(conversationId);
    this.onWork(lane);
  }

  /** A failed message once more, behind what waits; under a new id where the old one is used up. */
  async retry(conversationId: string, messageId: string): Promise<void> {
    await this.#desk.exclusively(conversationId, () => this.#retry(conversationId, messageId));
    this.#tell(conversationId);
    this.onWork(this.lane(conversationId));
  }

  async #retry(conversationId: string, messageId: string): Promise<void> {
    const lane = this.lane(conversationId);
    const item = this.find(conversationId, messageId);
    if (item === null || item.state !== "failed") return;
    const { environment } = this.#desk;
    const renewed = needsNewId(item.failure)
      ? { messageId: environment.newMessageId(environment.now()), sealed: null }
      : {};
    const again: OutboxRecord = {
      ...item,
      ...renewed,
      position: nextPosition(lane),
      attempts: 0,
      state: "pending",
      failure: null,
    };
    await this.#desk.store.apply([removal(item), { table: "outbox", put: again }]);
    lane.items = [...lane.items.filter((known) => known.messageId !== messageId), again];
  }

  async discard(conversationId: string, messageId: string): Promise<void> {
    await this.#desk.exclusively(conversationId, async () => {
      const item = this.find(conversationId, messageId);
      if (item === null || item.state !== "failed") return;
      await this.#desk.store.apply([removal(item)]);
      this.#forget(conversationId, [messageId]);
    });
    this.#tell(conversationId);
  }

  /** Another state of an item that stays. One that has gone meanwhile stays gone. */
  async update(item: OutboxRecord): Promise<void> {
    const { conversationId, messageId } = item;
    // Nobody could try again what nobody sees.
    const isOver = item.silent && item.state === "failed";
    await this.#desk.exclusively(conversationId, async () => {
      if (this.find(conversationId, messageId)?.position !== item.position) return;
      await this.#desk.store.apply([isOver ? removal(item) : { table: "outbox", put: item }]);
      if (isOver) this.#forget(conversationId, [messageId]);
      else replaceItem(this.lane(conversationId), item);
    });
    this.#tell(conversationId);
  }

  settled(conversationId: string, messageIds: readonly string[]): Joined {
    return {
      changes: () =>
        messageIds.flatMap((id) => {
          const item = this.find(conversationId, id);
          return item === null ? [] : [removal(item)];
        }),
      committed: () => {
        if (messageIds.length > 0) this.#forget(conversationId, messageIds);
        // A group that has come, or come on, may let something be sent.
        else this.onWork(this.lane(conversationId));
      },
    };
  }
  content(conversationId: string, messageId: string): Content | null {
    return this.find(conversationId, messageId)?.content ?? null;
  }

  /** [L5] [E15] What waits was sealed for a log, or a generation, that is no more. */
  async sealAnew(conversationId: string): Promise<void> {
    const lane = this.lane(conversationId);
    await this.#desk.exclusively(conversationId, async () => {
      const items = lane.items
        .filter((item) => item.sealed !== null)
        .map((item) => ({ ...item, sealed: null }));
      await this.#desk.store.apply(items.map((put): Change => ({ table: "outbox", put })));
      for (const item of items) replaceItem(lane, item);
    });
  }

  /**
   * [E8] Sealed items with the `keys` that sealed them. One that has gone, or changed its place, meanwhile is not brought
   * back; the ratchet has moved on all the same.
   */
  async putSealed(
    conversationId: string,
    sealed: readonly OutboxRecord[],
    keys: readonly Change[],
  ): Promise<void> {
    const lane = this.lane(conversationId);
    await this.#desk.exclusively(conversationId, async () => {
      const items = sealed.filter(
        (item) => this.find(conversationId, item.messageId)?.position === item.position,
      );
      const puts = items.map((put): Change => ({ table: "outbox", put }));
      await this.#desk.store.apply([...puts, ...keys]);
      for (const item of items) replaceItem(lane, item);
    });
  }

  #forget(conversationId: string, messageIds: readonly string[]): void {
    const lane = this.lane(conversationId);
    const gone = new Set(messageIds);
    lane.items = lane.items.filter((item) => !gone.has(item.messageId));
    for (const id of messageIds) lane.inFlight.delete(id);
    this.onWork(lane);
  }

  #tell(conversationId: string): void {
    this.#desk.emit({ type: "messages", conversationId });
    this.#desk.emit({ type: "conversations" });
  }
}

function removal(item: OutboxRecord): Change {
  return { table: "outbox", remove: [item.conversationId, item.position] };
}
