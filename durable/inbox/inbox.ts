/**
 * One user: a thin shell that gives events to the rules beside it. It owns the live sockets of the user's devices, what
 * each device has not acknowledged, and the list of chats. It never orders messages: that is the Conversation's.
 */
import { DurableObject } from "cloudflare:workers";
import { base64urlnopad } from "@scure/base";
import type { z } from "zod";
import inboxMigration from "../../migrations/inbox/0001_inbox.sql";
import marksMigration from "../../migrations/inbox/0002_marks.sql";
import failedAlarmsMigration from "../../migrations/inbox/0003_failed_alarms.sql";
import type { Bindings } from "../../src/config.ts";
import { closeCodes } from "../../src/protocol/close-codes.ts";
import { inboxUpSchema, ping, pong } from "../../src/protocol/frames.ts";
import type { chatListSchema, pollAnswerSchema, pollRequestSchema } from "../../src/protocol/http.ts";
import { limits } from "../../src/protocol/limits.ts";
import { answerClose, readIdentity, upgraded } from "../identity.ts";
import { conversationStub } from "../names.ts";
import { readFrames } from "../read-frames.ts";
import { errorFrame } from "../refused-frame.ts";
import type { DeliverAnswer, DeliverCall, ReceiptsCall, Report, ReportAnswer } from "../rpc.ts";
import { ensureSchema, schemaExists } from "../schema.ts";
import type { Note } from "./chat-list.ts";
import { InboxCore } from "./core.ts";
import { deliver } from "./deliver.ts";
import { InboxFrames } from "./inbox-frames.ts";
import { poll } from "./poll.ts";
import { Reports, type ReportsPort } from "./reports.ts";
import { pumpBacklog } from "./resume.ts";
import { Sends } from "./sends.ts";

const migrations = [inboxMigration, marksMigration, failedAlarmsMigration];

export class Inbox extends DurableObject<Bindings> {
  #core: InboxCore;
  #reports: Reports;
  #frames: InboxFrames;
  #hasSchema: boolean;
  /** Refused reports, by device, for the poll that made them. */
  #pollRefusals = new Map<number, z.infer<typeof pollAnswerSchema>["refused"]>();

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env);
    const userId = ctx.id.name ?? "";
    this.#hasSchema = schemaExists(ctx.storage);
    if (this.#hasSchema) ensureSchema(ctx.storage, migrations);
    this.#core = new InboxCore(ctx, this.#hasSchema);
    this.#reports = new Reports(
      ctx.storage.sql,
      { acked: (id, reports) => this.#report(userId, id, reports) },
      (id, logId, report, answer) => this.#answered(id, logId, report, answer),
      () => this.#core.armAlarm(),
    );
    const sends = new Sends({
      submit: async (id, deviceId, submissions) =>
        await conversationStub(env, id).submit({ user_id: userId, device_id: deviceId }, submissions),
    });
    this.#frames = new InboxFrames(this.#core, this.#reports, sends);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong));
    void ctx.blockConcurrencyWhile(async () => {
      this.#core.alarmAt = this.#hasSchema ? await ctx.storage.getAlarm() : null;
      // [F5] An alarm that was running when this object was saved is not there once it is restored.
      if (this.#hasSchema && this.#core.alarmAt === null && this.#hasDuties()) this.#core.armAlarm();
    });
  }

  async addDevice(deviceId: number): Promise<void> {
    this.#ensureSchema();
    this.#core.devices.add(deviceId);
  }

  /** Out of its socket at once; every chat is told by the alarm, durably. Idempotent. */
  async revokeDevice(deviceId: number): Promise<void> {
    this.#ensureSchema();
    this.ctx.storage.transactionSync(() => {
      this.#core.devices.revoke(deviceId);
      this.#core.held.dropDevice(deviceId);
      this.#core.marks.dropDevice(deviceId);
    });
    this.#core.remembered.forgetHanded(deviceId);
    const connection = this.#core.sockets.ofDevice(deviceId);
    if (connection !== undefined) this.#core.sockets.close(connection, "revoked");
    this.#core.polls.get(deviceId)?.();
    this.#core.armAlarm(0);
  }

  async deliver(call: DeliverCall): Promise<DeliverAnswer> {
    // No device of this user is known yet: nothing is stored, and nothing said about any of them.
    if (!this.#hasSchema) return { devices: {} };
    return deliver(this.#core, call);
  }

  /** Watermarks for the live sockets; never stored [R3]. */
  async receipts(call: ReceiptsCall): Promise<{ live: boolean }> {
    let live = false;
    for (const connection of this.#core.sockets.all) {
      if (connection.phase !== "live") continue;
      live = true;
      connection.queue({ type: "receipts", ...call });
      connection.out.flush();
    }
    return { live };
  }

  /** [E6] Few of the device's key packages are left; nothing is stored. */
  async keysLow(deviceId: number): Promise<void> {
    const connection = this.#core.sockets.ofDevice(deviceId);
    connection?.queue({ type: "keys_low" });
    connection?.out.flush();
  }

  /** The user has this chat. Idempotent. */
  async note(note: Note): Promise<void> {
    if (this.#hasSchema) this.#core.chatList.note(note, true);
  }

  /** Null for a device that is not (or no longer) the user's. */
  async conversations(
    deviceId: number,
    before: string | null,
  ): Promise<z.infer<typeof chatListSchema> | null> {
    return this.#core.devices.isActive(deviceId) ? this.#core.chatList.page(before) : null;
  }

  /** JSON text of a poll answer, or null as above. */
  async poll(deviceId: number, request: z.infer<typeof pollRequestSchema>): Promise<string | null> {
    if (!this.#core.devices.isActive(deviceId)) return null;
    const refusals: z.infer<typeof pollAnswerSchema>["refused"] = [];
    this.#pollRefusals.set(deviceId, refusals);
    try {
      const answer = await poll(this.#core, this.#reports, deviceId, request, refusals);
      // It may have been logged out while it waited.
      return this.#core.devices.isActive(deviceId) ? answer : null;
    } finally {
      if (this.#pollRefusals.get(deviceId) === refusals) this.#pollRefusals.delete(deviceId);
    }
  }

  /** [L5] The last step of restoring this object: devices that see another store id compare every chat once. */
  async renewStore(): Promise<string> {
    this.#ensureSchema();
    const storeId = newStoreId();
    this.ctx.storage.sql.exec("UPDATE store SET store_id = ?", storeId);
    for (const connection of [...this.#core.sockets.all]) this.#core.sockets.close(connection, "resume");
    return storeId;
  }

  override async fetch(request: Request): Promise<Response> {
    const { device_id: deviceId } = readIdentity(request);
    const { 0: client, 1: server } = new WebSocketPair();
    if (this.#core.devices.isActive(deviceId)) this.#core.sockets.accept(server, deviceId);
    else {
      this.ctx.acceptWebSocket(server);
      server.close(closeCodes.revoked.code, closeCodes.revoked.reason);
    }
    return upgraded(client);
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    const connection = this.#core.sockets.of(ws);
    if (connection === undefined) return;
    const read = readFrames(message, inboxUpSchema);
    if ("close" in read) return this.#core.sockets.close(connection, read.close);
    for (const frame of read.frames) this.#frames.take(connection, frame);
    connection.out.flush();
  }

  override webSocketClose(ws: WebSocket, code: number, reason: string): void {
    this.#core.sockets.forget(ws);
    answerClose(ws, code, reason);
  }
  override webSocketError(ws: WebSocket): void {
    this.#core.sockets.forget(ws);
  }

  #hasDuties(): boolean {
    return this.#reports.hasFailed() || this.#core.devices.toTell().length > 0;
  }

  /** [F5] Reports whose call failed, and revoked devices whose chats are to be told. */
  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#core.alarmAt = null;
    if (info?.isRetry === true) this.#core.armAlarm();
    // Side by side: a Conversation that takes no reports must not keep the others from hearing of a logout.
    const done = await Promise.all([this.#reports.repeatFailed(), this.#tellRevoked()]);
    const isDone = !done.includes(false);
    const failures = this.#core.countAlarm(isDone);
    // Backs off further than the reports that just failed again have asked for.
    if (!isDone)
      this.#core.rearmAlarm(
        Math.min(limits.alarmBackoffMsMax, limits.alarmDelayMs * 2 ** failures) * (0.5 + Math.random() / 2),
      );
  }

  /** True when all chats have been told of all logouts. */
  async #tellRevoked(): Promise<boolean> {
    const toTell = this.#core.devices.toTell();
    const told = await Promise.all(toTell.map(({ deviceId, after }) => this.#tellChats(deviceId, after)));
    return !told.includes(false);
  }

  /** Page by page. After a failure the rest is told all the same, but the place that is stored stays before it. */
  async #tellChats(deviceId: number, after: string): Promise<boolean> {
    const device = { user_id: this.ctx.id.name ?? "", device_id: deviceId };
    let isComplete = true;
    for (let ids = this.#core.chatList.idsAfter(after); ; ids = this.#core.chatList.idsAfter(after)) {
      const told = await Promise.allSettled(
        ids.map((id) => conversationStub(this.env, id).dropDevice(device)),
      );
      if (told.some(({ status }) => status === "rejected")) isComplete = false;
      const last = ids.at(-1);
      if (isComplete) this.#core.devices.told(deviceId, last ?? "done");
      if (last === undefined) return isComplete;
      after = last;
    }
  }

  async #report(userId: string, conversationId: string, reports: Report[]): ReturnType<ReportsPort["acked"]> {
    const { remembered } = this.#core;
    const before = remembered.logId(conversationId);
    const { log_id, answers } = await conversationStub(this.env, conversationId).acked(userId, reports);
    // A delivery of another log that overtook the answer knows better which log it is [L5].
    const isOvertaken = remembered.logId(conversationId) !== before;
    return { log_id: isOvertaken ? null : log_id, answers };
  }

  /** A Conversation has counted a report: held rows go, read marks are confirmed, refusals reach the device. */
  #answered(conversationId: string, logId: string | null, report: Report, answer: ReportAnswer): void {
    const { held, marks, remembered, sockets, unlisted } = this.#core;
    const connection = sockets.ofDevice(report.device_id);
    if (answer.refused !== undefined) {
      remembered.forgetAck(report.device_id, conversationId);
      if (answer.refused.code === "not_found") held.dropConversation(report.device_id, conversationId);
      else if (logId !== null) this.#core.dropOtherLogs(report.device_id, conversationId, logId);
      const { code } = answer.refused;
      if (code === "not_found") {
        unlisted.refused(conversationId);
        marks.remove(report.device_id, conversationId);
      }
      connection?.queue(errorFrame(answer.refused, conversationId));
      this.#pollRefusals.get(report.device_id)?.push({ conversation_id: conversationId, code });
    } else if (report.acked !== undefined) {
      remembered.ack(report.device_id, conversationId, report.acked);
      held.acknowledged(report.device_id, conversationId, report.acked);
      // Nothing is left that the mark could stand for: neither in the log nor on its way here.
      const isAll = report.acked >= Math.max(answer.end ?? Infinity, remembered.seen(conversationId));
      if (isAll) marks.remove(report.device_id, conversationId);
      if (logId !== null) this.#core.dropOtherLogs(report.device_id, conversationId, logId);
    }
    if (report.read !== undefined && answer.read_confirmed >= report.read) {
      connection?.queue({
        type: "read_confirmed",
        conversation_id: conversationId,
        seq: answer.read_confirmed,
      });
    }
    // What it waited for was of a log that is gone: the next batch, or live.
    if (connection?.phase === "resuming" && connection.batch.size === 0)
      pumpBacklog(connection, this.#core, Date.now());
    connection?.out.flush();
  }

  #ensureSchema(): void {
    if (this.#hasSchema) return;
    ensureSchema(this.ctx.storage, migrations);
    this.ctx.storage.sql.exec("INSERT OR IGNORE INTO store (id, store_id) VALUES (1, ?)", newStoreId());
    this.#hasSchema = true;
  }
}

function newStoreId(): string {
  return base64urlnopad.encode(crypto.getRandomValues(new Uint8Array(16)));
}
