/** What every part of an Inbox shares: rows, memory, sockets, waiting polls, the alarm. */
import { limits } from "../../src/protocol/limits.ts";
import type { DeliverCall, DeliveredEntry } from "../rpc.ts";
import { ChatList } from "./chat-list.ts";
import { Devices } from "./devices.ts";
import { Held } from "./held.ts";
import { InboxSockets } from "./inbox-sockets.ts";
import { Marks } from "./marks.ts";
import { Remembered } from "./remembered.ts";
import { pumpBacklog } from "./resume.ts";
import { Unlisted } from "./unlisted.ts";

export class InboxCore {
  readonly ctx: DurableObjectState;
  readonly sql: SqlStorage;
  readonly held: Held;
  readonly marks: Marks;
  readonly chatList: ChatList;
  readonly unlisted: Unlisted;
  readonly devices: Devices;
  readonly sockets: InboxSockets;
  readonly remembered = new Remembered();
  /** Wakes the HTTP receive of a device, if there is one; one per device. */
  readonly polls = new Map<number, () => void>();
  alarmAt: number | null = null;

  constructor(ctx: DurableObjectState, hasSchema: boolean) {
    this.ctx = ctx;
    this.sql = ctx.storage.sql;
    this.held = new Held(this.sql);
    this.marks = new Marks(this.sql);
    this.chatList = new ChatList(this.sql);
    this.unlisted = new Unlisted(this.chatList);
    this.devices = new Devices(this.sql, hasSchema);
    this.sockets = new InboxSockets(ctx);
  }

  /** In `delayMs` at the latest: one that is due sooner stays. */
  armAlarm(delayMs: number = limits.alarmDelayMs): void {
    if (this.alarmAt === null || this.alarmAt > Date.now() + delayMs) this.rearmAlarm(delayMs);
  }

  rearmAlarm(delayMs: number): void {
    this.alarmAt = Date.now() + delayMs;
    void this.ctx.storage.setAlarm(this.alarmAt);
  }

  /** Stored, for a count in memory would start anew with every hibernation [F10]. Returns the failures in a row. */
  countAlarm(isDone: boolean): number {
    const { failed_alarms: before } = this.sql
      .exec<{ failed_alarms: number }>("SELECT failed_alarms FROM store")
      .one();
    const failures = isDone ? 0 : before + 1;
    if (failures !== before) this.sql.exec("UPDATE store SET failed_alarms = ?", failures);
    return failures;
  }

  storeId(): string {
    return this.sql.exec<{ store_id: string }>("SELECT store_id FROM store").one().store_id;
  }

  /** [D5] What an older connection was handed and did not acknowledge is stored, and so comes before anything live. */
  recall(deviceId: number): void {
    const recalled = this.remembered.recall(deviceId);
    if (recalled.length === 0) return;
    this.ctx.storage.transactionSync(() => {
      for (const { call, entries } of recalled) this.keep(deviceId, call, entries);
    });
  }

  /** [F1] [F9] A copy of each entry, or the mark that stands for all of them. In a transaction of the caller's. */
  keep(
    deviceId: number,
    call: Pick<DeliverCall, "conversation_id" | "log_id" | "mac" | "to">,
    entries: readonly DeliveredEntry[],
  ): void {
    this.dropOtherLogs(deviceId, call.conversation_id, call.log_id);
    if (this.marks.has(deviceId, call.conversation_id)) return;
    if (this.held.fits(deviceId, entries)) this.held.store(deviceId, call, entries);
    else this.marks.add(deviceId, call.conversation_id);
  }

  /** [L5] Neither the rows of a log that was replaced nor a batch of them will ever be acknowledged: both are let go of. */
  dropOtherLogs(deviceId: number, conversationId: string, logId: string): void {
    if (this.held.dropOtherLogs(deviceId, conversationId, logId))
      this.sockets.ofDevice(deviceId)?.batch.delete(conversationId);
  }

  /** Something was stored for the device: it goes out on its socket, or wakes its poll. */
  stored(deviceId: number): void {
    const connection = this.sockets.ofDevice(deviceId);
    if (connection !== undefined && connection.phase !== "new") {
      if (connection.phase === "live") {
        connection.phase = "resuming";
        connection.position = null;
        connection.batch = new Map();
      }
      pumpBacklog(connection, this, Date.now());
      connection.out.flush();
    }
    this.polls.get(deviceId)?.();
  }
}
