/**
 * Brings a stored commit to the server and to its end: adopted when the log shows it, dropped when the server will not have
 * it. Sending the same bytes again is safe [L3], so what a crash or a lost answer left in doubt is sent again.
 */
import { base64 } from "@scure/base";
import { conversationStateSchema } from "../../protocol/entry.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { CommitRequest, FoundRequest } from "../../protocol/http.ts";
import { acceptedSchema } from "../../protocol/send.ts";
import type { PendingCommitRecord } from "../store/key-records.ts";
import { newRecord } from "../sync/conversation-state.ts";
import type { Desk } from "../sync/desk.ts";
import type { LogReader } from "../sync/log-reader.ts";
import type { Blobs } from "./blobs.ts";

export interface SubmitterOptions {
  desk: Desk;
  reader: LogReader;
  blobs: Blobs;
  /** In the background, until it works. */
  bringUp(conversationId: string): void;
}

export class Submitter {
  readonly #options: SubmitterOptions;
  constructor(options: SubmitterOptions) {
    this.#options = options;
  }

  async store(pending: PendingCommitRecord): Promise<void> {
    await this.#options.desk.store.apply([{ table: "pendingCommits", put: pending }]);
  }

  /** What an earlier time left behind, if anything, is brought to its end. In the conversation's turn, like the rest. */
  async settle(conversationId: string): Promise<void> {
    const pending = await this.#pending(conversationId);
    if (pending === null) return;
    await this.submit(pending).catch((error: unknown) => {
      if (!(error instanceof ProtocolError) || isPassing(error)) throw error;
    });
  }

  /** Resolves when this device has adopted it. Rejects with the server's refusal, and it is dropped; or in doubt. */
  async submit(pending: PendingCommitRecord): Promise<void> {
    const { desk, reader } = this.#options;
    const { conversationId } = pending;
    try {
      await this.#send(pending);
    } catch (error) {
      if (isTooOld(error)) return await this.#find(conversationId, error);
      if (error instanceof ProtocolError && !isPassing(error)) await this.drop(conversationId);
      // In doubt: it is brought to its end in the background, whoever asked for it.
      else this.#options.bringUp(conversationId);
      throw error;
    }
    if (desk.conversation(conversationId) === null) await this.#takeIn(conversationId);
    await reader.catchUp(conversationId);
    // Accepted, and yet the log shows another history: what it led to is no use.
    if ((await this.#pending(conversationId)) !== null) await this.drop(conversationId);
  }

  /** [L3] Too far back for the server to look for it: this device reads the log, and it is there or it never was. */
  async #find(conversationId: string, refusal: ProtocolError): Promise<void> {
    const { desk, reader } = this.#options;
    const state = await reader.fetchState(conversationId);
    // Not in the roster: the commit that was to bring it in is not in the log.
    const isIn = state.first_seq !== null;
    if (isIn && desk.conversation(conversationId) === null) await this.#takeIn(conversationId);
    if (isIn) await reader.catchUp(conversationId);
    if ((await this.#pending(conversationId)) === null) return;
    await this.drop(conversationId);
    throw refusal;
  }

  async drop(conversationId: string): Promise<void> {
    await this.#options.desk.store.apply([{ table: "pendingCommits", remove: [conversationId] }]);
  }

  async #pending(conversationId: string): Promise<PendingCommitRecord | null> {
    return await this.#options.desk.store.get("pendingCommits", [conversationId]);
  }

  /** A chat that this device founded or joined, and has no record of yet. */
  async #takeIn(conversationId: string): Promise<void> {
    const { desk, reader } = this.#options;
    const state = await reader.fetchState(conversationId);
    await desk.commit(newRecord(state, state.first_seq ?? state.head + 1, desk.session.userId), []);
  }

  async #send(pending: PendingCommitRecord): Promise<void> {
    const { desk } = this.#options;
    const path = `/conversations/${pending.conversationId}`;
    if (pending.origin === "founder") {
      const body = await this.#founding(pending);
      await desk.call({ method: "PUT", path, body, answer: conversationStateSchema });
    } else {
      const body = await this.#commit(pending);
      await desk.call({ method: "POST", path: `${path}/commits`, body, answer: acceptedSchema });
    }
  }

  async #founding(pending: PendingCommitRecord): Promise<FoundRequest> {
    const { messageId: message_id, kind, generation, rosterChange } = pending;
    return { message_id, kind, generation, devices: rosterChange.add, ...(await this.#objects(pending)) };
  }

  async #commit(pending: PendingCommitRecord): Promise<CommitRequest> {
    const { messageId: message_id, generation, rosterChange: roster_change, baseSeq: base_seq } = pending;
    const epoch = pending.made.baseEpoch;
    return { message_id, generation, epoch, base_seq, roster_change, ...(await this.#objects(pending)) };
  }

  async #objects({ conversationId, made }: PendingCommitRecord) {
    const blob = (bytes: Uint8Array) => this.#options.blobs.put(conversationId, bytes);
    return {
      envelope: await blob(made.bytes),
      welcome: made.welcome === null ? null : await blob(made.welcome),
      group_info: base64.encode(made.groupInfo),
      tree: await blob(made.tree),
      sealed_state: made.sealedState === null ? null : await blob(made.sealedState),
    };
  }
}

function isTooOld(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.code === "base_too_old";
}

/** Says nothing about the commit itself: the same again later. */
function isPassing({ code }: ProtocolError): boolean {
  return ["busy", "internal", "rate_limited", "unauthorized", "blob_missing"].includes(code);
}
