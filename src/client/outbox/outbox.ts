/**
 * What this device has written and no log holds yet: kept in the store before it is shown, in order per conversation,
 * until the log has it or the user gives it up. Sending is sender.ts's.
 */
import { ProtocolError } from "../../protocol/errors.ts";
import { limits } from "../../protocol/limits.ts";
import { encodeContent, type TextContent } from "../content.ts";
import type { ConversationRecord, OutboxRecord } from "../store/records.ts";
import type { Change } from "../store/store.ts";
import type { Desk, Joined } from "../sync/desk.ts";
import type { OutboxLink } from "../sync/log-reader.ts";
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
    if (text.length > limits.textCharsMax) throw new ProtocolError("too_large");
    const lane = this.lane(conversationId);
    const content = this.#content(record, lane, text);
    const item: Omit<OutboxRecord, "position"> = {
      conversationId,
      messageId,
      epoch: record.epoch,
      baseSeq: record.cursor.seq,
      silent: false,
      envelope: await encodeContent(content),
      content,
      createdAtMs: this.#desk.environment.now(),
      attempts: 0,
      state: "pending",
      failure: null,
    };
    await this.#desk.exclusively(conversationId, async () => {
      const placed = { ...item, position: nextPosition(lane) };
      await this.#desk.store.apply([{ table: "outbox", put: placed }]);
      lane.items.push(placed);
    });
    this.#tell(conversationId);
    this.onWork(lane);
  }

  #content(record: ConversationRecord, lane: Lane, text: string): TextContent {
    const isOnItsWay = lane.items.some(
      (item) => item.content.profile !== undefined && item.state === "pending",
    );
    if (!record.isProfileDue || isOnItsWay) return { v: 1, type: "text", text };
    const { name, phone } = this.#desk.session;
    return {
      v: 1,
      type: "text",
      text,
      profile: { name, phone },
      peer: { name: record.peer.name, phone: record.peer.phone },
    };
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
    const record = this.#desk.conversation(conversationId);
    if (item === null || item.state !== "failed" || record === null) return;
    const { environment } = this.#desk;
    const renewed = needsNewId(item.failure)
      ? {
          messageId: environment.newMessageId(environment.now()),
          epoch: record.epoch,
          baseSeq: record.cursor.seq,
        }
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
    await this.#desk.exclusively(conversationId, async () => {
      if (this.find(conversationId, messageId)?.position !== item.position) return;
      await this.#desk.store.apply([{ table: "outbox", put: item }]);
      replaceItem(this.lane(conversationId), item);
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
      },
    };
  }

  /** [L5] Bases were seqs of the old log; what is sent next names the cursor in the new one. */
  movedToNewLog(conversationId: string): Joined {
    const lane = this.lane(conversationId);
    const moved = () => lane.items.map((item) => ({ ...item, baseSeq: 0 }));
    return {
      changes: () => moved().map((item): Change => ({ table: "outbox", put: item })),
      committed: () => {
        lane.items = moved();
      },
    };
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
