/**
 * One chat: a thin shell that gives events to the rules beside it. It owns the log, the roster and epoch, the fan-out
 * cursors and the sockets of devices that have this chat on screen. It never reads content.
 */
import { DurableObject } from "cloudflare:workers";
import type { z } from "zod";
import logMigration from "../../migrations/conversation/0001_log.sql";
import mlsMigration from "../../migrations/conversation/0002_mls.sql";
import uploadOwnerMigration from "../../migrations/conversation/0003_upload_owner.sql";
import { type Bindings, readConfig } from "../../src/config.ts";
import { closeCodes } from "../../src/protocol/close-codes.ts";
import type { ConversationState } from "../../src/protocol/entry.ts";
import { chatUpSchema, ping, pong } from "../../src/protocol/frames.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { groupInfoSchema, leaveRequestSchema, welcomeSchema } from "../../src/protocol/mls.ts";
import { answerClose, readIdentity, upgraded } from "../identity.ts";
import { inboxStub } from "../names.ts";
import { readFrames } from "../read-frames.ts";
import type {
  CommitCall,
  FoundCall,
  FoundOutcome,
  Report,
  ReportAnswer,
  Submission,
  SubmitOutcome,
} from "../rpc.ts";
import { ensureSchema, schemaExists } from "../schema.ts";
import { groupInfo, welcome } from "./admission.ts";
import type { Lane } from "./append.ts";
import { Blobs } from "./blobs.ts";
import { ChatFrames } from "./chat-frames.ts";
import { ConversationCore } from "./core.ts";
import { Deliveries, type InboxPort } from "./deliveries.ts";
import { commitDraft, type Draft, leaveDraft, messageDraft } from "./draft.ts";
import { Foundings } from "./foundings.ts";
import { Ingest } from "./ingest.ts";
import { readPage } from "./page.ts";
import { Receipts } from "./receipts.ts";
import { takeReport } from "./reports.ts";
import { deviceOf, memberOf } from "./roster.ts";
import { mayJoin } from "./roster-rules.ts";
import { describe } from "./state.ts";

const migrations = [logMigration, mlsMigration, uploadOwnerMigration];

export class Conversation extends DurableObject<Bindings> {
  #core: ConversationCore;
  #deliveries: Deliveries;
  #receipts: Receipts;
  #ingest: Ingest;
  #frames: ChatFrames;
  #blobs: Blobs;
  #foundings: Foundings;

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env);
    this.#core = new ConversationCore(ctx, ctx.id.name ?? "", readConfig(env).SERVER_SECRET);
    const inboxes: InboxPort = {
      deliver: async (userId, call) => await inboxStub(env, userId).deliver(call),
      receipts: async (userId, call) => await inboxStub(env, userId).receipts(call),
      note: async (userId, note) => await inboxStub(env, userId).note(note),
    };
    this.#receipts = new Receipts(this.#core, inboxes);
    this.#deliveries = new Deliveries(this.#core, inboxes, (userId) => this.#receipts.seen(userId));
    this.#ingest = new Ingest(this.#core, this.#deliveries, this.#receipts);
    this.#frames = new ChatFrames(this.#core, this.#ingest, this.#receipts);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong));
    this.#blobs = new Blobs(this.#core, env.MEDIA);
    this.#foundings = new Foundings({
      core: this.#core,
      blobs: this.#blobs,
      deliveries: this.#deliveries,
      append: (author, draft) => this.#append(author, draft),
      ensureSchema: () => ensureSchema(ctx.storage, migrations),
      schedule: () => this.#ingest.schedule(),
    });
    void ctx.blockConcurrencyWhile(async () => {
      const hasSchema = schemaExists(ctx.storage);
      if (hasSchema) ensureSchema(ctx.storage, migrations);
      await this.#core.wake(hasSchema);
      if (this.#core.alarmAt === null) this.#blobs.arm(limits.alarmDelayMs);
    });
  }

  /** Founds a chat or its next generation (E15). The Worker has checked the devices with their Accounts. */
  async found(call: FoundCall): Promise<FoundOutcome> {
    return await this.#foundings.found(call);
  }

  /** Messages of one device that came by its Inbox or by HTTP, in order; after a refusal the rest waits [L7]. */
  async submit(author: DeviceRef, submissions: Submission[]): Promise<SubmitOutcome[]> {
    this.#receipts.seen(author.user_id);
    const lane: Lane = { isPaused: false };
    return await Promise.all(
      submissions.map((submission) => this.#append(author, messageDraft(submission), lane)),
    );
  }

  /** [E2] A commit with all that belongs to it. */
  async commit({ author, ...call }: CommitCall): Promise<SubmitOutcome> {
    if (!this.#mayCommit(author)) return { refused: { code: "not_found", details: {} } };
    return await this.#append(author, await commitDraft(call, (blob) => this.#blobs.fetch(blob)));
  }

  /** [E14] The user leaves, with all its devices. */
  async leave(author: DeviceRef, request: z.infer<typeof leaveRequestSchema>): Promise<SubmitOutcome> {
    return await this.#append(author, leaveDraft(request));
  }

  /** Whoever was never here makes this object fetch nothing. */
  #mayCommit(author: DeviceRef): boolean {
    return deviceOf(this.#core.roster, author) !== undefined || mayJoin(this.#core.roster, author);
  }

  #append(author: DeviceRef, draft: Draft, lane: Lane = { isPaused: false }): Promise<SubmitOutcome> {
    return new Promise((resolve) => this.#ingest.submit(author, draft, lane, resolve));
  }

  /** Progress of devices of one user, gathered by its Inbox. */
  async acked(userId: string, reports: Report[]): Promise<{ log_id: string; answers: ReportAnswer[] }> {
    this.#receipts.seen(userId);
    const answers = reports.map((report) => takeReport(this.#core, this.#receipts, userId, report));
    this.#core.settleCursors();
    this.#ingest.schedule();
    return {
      log_id: this.#core.loaded?.identity.logId ?? "",
      answers: answers.map((answer) => ({
        ...answer,
        read_confirmed: this.#core.loaded?.progress.readConfirmed(userId) ?? 0,
      })),
    };
  }

  /** Null to whoever is not a member, as for a chat that does not exist. */
  async state(asker: DeviceRef): Promise<ConversationState | null> {
    const { loaded, id, key } = this.#core;
    const member = memberOf(this.#core.roster, asker.user_id);
    if (loaded === null || member === undefined || member.left_seq !== undefined) return null;
    const device = this.#core.memberDevice(asker);
    return describe(id, loaded, device?.joined_seq ?? null, key);
  }

  /** JSON text of a page; null as above. */
  async page(asker: DeviceRef, after: number, limit: number): Promise<string | null> {
    return readPage(this.#core, asker, after, limit);
  }

  async welcome(asker: DeviceRef): Promise<z.infer<typeof welcomeSchema> | null> {
    return welcome(this.#core, asker);
  }
  async groupInfo(asker: DeviceRef): Promise<z.infer<typeof groupInfoSchema> | null> {
    return groupInfo(this.#core, asker);
  }

  /** A large object is about to be written to R2, was written, is to be read (blobs.ts). */
  async announceBlob(asker: DeviceRef, hash: string): Promise<ReturnType<Blobs["announce"]>> {
    return this.#blobs.announce(asker, hash);
  }
  async blobUploaded(hash: string, size: number): Promise<void> {
    this.#blobs.uploaded(hash, size);
  }
  async mayReadBlob(asker: DeviceRef, hash: string): Promise<boolean> {
    return this.#blobs.mayRead(asker, hash);
  }

  /** The user's account logged this device out. Idempotent. */
  async dropDevice(device: DeviceRef): Promise<void> {
    this.#core.setGone(device);
  }

  override async fetch(request: Request): Promise<Response> {
    const device = readIdentity(request);
    const { 0: client, 1: server } = new WebSocketPair();
    if (this.#core.memberDevice(device) === undefined) {
      // The same for a chat that does not exist and one the asker is not in.
      this.ctx.acceptWebSocket(server);
      server.close(closeCodes.notFound.code, closeCodes.notFound.reason);
    } else if (this.#core.sockets.count >= limits.chatSocketsMax) {
      this.ctx.acceptWebSocket(server);
      server.close(closeCodes.busy.code, closeCodes.busy.reason);
    } else {
      this.#core.sockets.accept(server, device);
    }
    return upgraded(client);
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    const connection = this.#core.sockets.of(ws);
    if (connection === undefined) return;
    const read = readFrames(message, chatUpSchema);
    if ("close" in read) return this.#core.sockets.close(connection, read.close);
    for (const frame of read.frames) this.#frames.take(connection, frame);
    connection.out.flush();
  }

  override async webSocketClose(ws: WebSocket, code: number, reason: string): Promise<void> {
    const connection = this.#core.sockets.forget(ws);
    answerClose(ws, code, reason);
    if (connection === undefined) return;
    // What the socket had not acknowledged is the alarm's; what was never offered goes to the Inbox now.
    this.#ingest.schedule();
    await this.#deliveries.noteActivity(connection.device);
  }

  override webSocketError(ws: WebSocket): void {
    this.#core.sockets.forget(ws);
  }

  /** [F5] Derives every duty from rows and memory, and is armed again while any is left. */
  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#core.alarmAt = null;
    // The runtime gives up after six failures: a retry makes sure of the next alarm first.
    if (info?.isRetry === true) this.#core.armAlarm(limits.alarmDelayMs);
    const [isDelivered, isSwept] = await Promise.all([
      this.#deliveries.deliverOverdue(Date.now()),
      this.#blobs.sweep(Date.now()),
    ]);
    const succeeded = isDelivered && isSwept;
    this.#core.writeBack();
    this.#blobs.arm(isSwept ? limits.alarmDelayMs : this.#backoff());
    if (this.#core.hasOutstanding()) this.#core.armAlarm(succeeded ? limits.alarmDelayMs : this.#backoff());
  }

  /** In proportion to the age of what is outstanding, for a count of failures would not outlive hibernation [F10]. */
  #backoff(): number {
    const age = Date.now() - (this.#core.outstandingSince() ?? 0);
    const backoff = Math.min(limits.alarmBackoffMsMax, Math.max(limits.alarmDelayMs, age / 2));
    return backoff / 2 + Math.random() * (backoff / 2);
  }
}
