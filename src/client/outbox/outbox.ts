/**
 * What this device has written and no log holds yet: kept in the store before it is shown, in order per conversation,
 * until the log has it or the user gives it up. Sending is sender.ts's.
 */
import { ProtocolError } from "../../protocol/errors.ts";
import { limits } from "../../protocol/limits.ts";
import { encodeContent, type TextContent } from "../content.ts";
import type { ConversationRecord, OutboxRecord } from "../store/records.ts";
import type { Change } from "../store/store.ts";
import type { Desk } from "../sync/desk.ts";
import type { OutboxLink } from "../sync/log-reader.ts";
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

  /** Writing the same id twice (a follower that asks again) gives the first one. */
  async write(conversationId: string, messageId: string, text: string): Promise<OutboxRecord> {
    const before = this.#writing.get(conversationId) ?? Promise.resolve();
    const writing = before.then(() => this.#write(conversationId, messageId, text));
    this.#writing.set(
      conversationId,
      writing.catch(() => undefined),
    );
    return await writing;
  }

  async #write(conversationId: string, messageId: string, text: string): Promise<OutboxRecord> {
    const known = this.find(conversationId, messageId);
    if (known !== null) return known;
    const record = this.#desk.conversation(conversationId);
    if (record === null) throw new ProtocolError("not_found");
    if (text.length > limits.textCharsMax) throw new ProtocolError("too_large");
    const lane = this.lane(conversationId);
    const content = this.#content(record, lane, text);
    const item: OutboxRecord = {
      conversationId,
      position: nextPosition(lane),
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
    await this.#desk.store.apply([{ table: "outbox", put: item }]);
    lane.items.push(item);
    this.#tell(conversationId);
    this.onWork(lane);
    return item;
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
    this.#tell(conversationId);
    this.onWork(lane);
  }

  async discard(conversationId: string, messageId: string): Promise<void> {
    const item = this.find(conversationId, messageId);
    if (item === null || item.state !== "failed") return;
    await this.#desk.store.apply([removal(item)]);
    this.#forget(conversationId, [messageId]);
    this.#tell(conversationId);
  }

  /** Another state of an item that stays. */
  async update(item: OutboxRecord): Promise<void> {
    await this.#desk.store.apply([{ table: "outbox", put: item }]);
    replaceItem(this.lane(item.conversationId), item);
    this.#tell(item.conversationId);
  }

  changesFor(conversationId: string, messageIds: readonly string[]): Change[] {
    const items = messageIds.map((id) => this.find(conversationId, id));
    return items.filter((item) => item !== null).map(removal);
  }
  committed(conversationId: string, messageIds: readonly string[]): void {
    if (messageIds.length > 0) this.#forget(conversationId, messageIds);
  }
  /** [L5] Bases were seqs of the old log; what is sent next names the cursor in the new one. */
  changesForNewLog(conversationId: string): Change[] {
    return this.lane(conversationId).items.map(
      (item): Change => ({ table: "outbox", put: { ...item, baseSeq: 0 } }),
    );
  }
  newLogCommitted(conversationId: string): void {
    const lane = this.lane(conversationId);
    lane.items = lane.items.map((item) => ({ ...item, baseSeq: 0 }));
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
