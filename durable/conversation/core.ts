/**
 * What every part of a Conversation shares: its rows in memory, its sockets, its one alarm.
 * Persist, advance, publish: memory is replaced here, after the transaction that made it true has returned.
 */
import type { Watermark } from "../../src/protocol/entry.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import { ChatSockets } from "./chat-sockets.ts";
import { EntryCache } from "./entry-cache.ts";
import { entryHead } from "./log.ts";
import { type PositionKey, positionKey, positionMac } from "./position.ts";
import { activeDevice, deviceOf, type Roster } from "./roster.ts";
import { withGone } from "./roster-change.ts";
import { type Identity, type Loaded, load, saveIdentity, saveProgress } from "./state.ts";

export class ConversationCore {
  readonly ctx: DurableObjectState;
  readonly id: string;
  readonly sql: SqlStorage;
  readonly key: PositionKey;
  readonly cache: EntryCache;
  readonly sockets: ChatSockets;
  /** Null until the conversation is founded. */
  loaded: Loaded | null = null;
  /** When the alarm is due, or null. Set before the first event by `wake`. */
  alarmAt: number | null = null;
  /** Entries since the cursors were last written back. */
  #sinceWriteBack = 0;

  constructor(ctx: DurableObjectState, id: string, serverSecret: string) {
    this.ctx = ctx;
    this.id = id;
    this.sql = ctx.storage.sql;
    this.key = positionKey(serverSecret, id);
    this.cache = new EntryCache(this.sql);
    this.sockets = new ChatSockets(ctx);
  }

  /** [F10] Memory is a cache: everything is read back from the rows. */
  async wake(hasSchema: boolean): Promise<void> {
    if (!hasSchema) return;
    this.loaded = load(this.sql);
    this.alarmAt = await this.ctx.storage.getAlarm();
    // [F5] Any event that finds work and no alarm arms one.
    if (this.alarmAt === null && this.hasOutstanding()) this.armAlarm(limits.alarmDelayMs);
  }

  /** Memory in doubt is read anew, as after a wake; what is outstanding then is the alarm's. */
  reload(): void {
    this.loaded = load(this.sql);
    this.cache.clear();
    if (this.hasOutstanding()) this.armAlarm(limits.alarmDelayMs);
  }

  /**
   * In `delayMs` at the latest: one that is due sooner stays, one that backed off further comes nearer.
   * Runs in the turn of the write that makes it necessary, so both commit together.
   */
  armAlarm(delayMs: number): void {
    const at = Date.now() + delayMs;
    if (this.alarmAt !== null && this.alarmAt <= at) return;
    this.alarmAt = at;
    // The promise needs no awaiting: the output gate holds everything back until it is durable.
    void this.ctx.storage.setAlarm(this.alarmAt);
  }

  /** When the oldest entry was accepted that some device still lacks; what a back-off counts from [F5]. */
  outstandingSince(): number | null {
    const { loaded } = this;
    if (loaded === null) return null;
    const first = loaded.progress.firstLacking(loaded.identity.roster, loaded.head.seq);
    return (first === null ? undefined : entryHead(this.sql, first)?.sent_at) ?? loaded.head.sentAt;
  }

  hasOutstanding(): boolean {
    const { loaded } = this;
    return (
      loaded !== null &&
      (loaded.progress.isDirty || loaded.progress.isOutstanding(loaded.identity.roster, loaded.head.seq))
    );
  }

  /**
   * Cursors go to their row in the alarm, after 256 entries, or at once when no alarm is armed (design.md section 2, step 7)
   * or nothing would ask for them again.
   */
  settleCursors(appended = 0): void {
    this.#sinceWriteBack += appended;
    const isDue = this.alarmAt === null || this.#sinceWriteBack >= limits.writeBackEntries;
    if (isDue || this.loaded?.progress.isForgettable === true) this.writeBack();
  }

  writeBack(): void {
    const { loaded } = this;
    if (loaded === null || !loaded.progress.isBehind) return;
    saveProgress(this.sql, loaded);
    this.#sinceWriteBack = 0;
    // [R3] What is stored is confirmed to the reader's chat sockets; others learn it with their next answer.
    for (const userId of loaded.progress.stored()) {
      const seq = loaded.progress.readConfirmed(userId);
      for (const connection of this.sockets.all) {
        if (connection.device.user_id !== userId) continue;
        connection.queue({ type: "read_confirmed", conversation_id: this.id, seq });
      }
    }
    this.sockets.flush();
  }

  replaceIdentity(identity: Identity): void {
    if (this.loaded === null) return;
    this.ctx.storage.transactionSync(() => saveIdentity(this.sql, identity));
    this.loaded.identity = identity;
  }

  /** The account logged the device out: it gets nothing more, whatever the roster says. */
  setGone(device: DeviceRef): void {
    // Also one that a commit removed: it is owed what came before that, and would be asked for ever.
    const known = deviceOf(this.roster, device);
    if (this.loaded === null || known === undefined || known.gone === true) return;
    this.replaceIdentity({ ...this.loaded.identity, roster: withGone(this.roster, device) });
    this.loaded.progress.follow(this.roster);
    const connection = this.sockets.ofDevice(device);
    if (connection !== undefined) this.sockets.close(connection, "revoked");
  }

  /** The device's place when it may take part now. */
  memberDevice(device: DeviceRef) {
    return this.loaded === null ? undefined : activeDevice(this.loaded.identity.roster, device);
  }

  mac(logId: string, seq: number, messageId: string): string {
    return positionMac(this.key, logId, seq, messageId);
  }

  get roster(): Roster {
    return this.loaded?.identity.roster ?? [];
  }

  watermarks(userIds: Iterable<string>): Watermark[] {
    const { loaded } = this;
    return loaded === null ? [] : [...userIds].map((userId) => loaded.progress.watermark(userId));
  }
}
