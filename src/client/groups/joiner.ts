/**
 * How this device comes into a group: by the Welcome that was announced [E7], else by external commit [E12]. Both end with
 * the group in the store and the log read on from there. In the conversation's turn.
 */
import { base64 } from "@scure/base";
import type { ConversationState } from "../../protocol/entry.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { limits } from "../../protocol/limits.ts";
import { groupInfoSchema, welcomeSchema } from "../../protocol/mls.ts";
import { startOf } from "../chain.ts";
import type { CryptoPort, Welcomed } from "../crypto/port.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { ConversationRecord } from "../store/records.ts";
import type { Change } from "../store/store.ts";
import type { Desk } from "../sync/desk.ts";
import type { LogReader } from "../sync/log-reader.ts";
import type { Blobs } from "./blobs.ts";
import { EncryptionError } from "./encryption-error.ts";
import type { HeldGroups } from "./held-groups.ts";
import type { Submitter } from "./submit.ts";

export interface JoinerOptions {
  desk: Desk;
  groups: HeldGroups;
  crypto: CryptoPort;
  keys: KeyRing;
  reader: LogReader;
  blobs: Blobs;
  submitter: Submitter;
  /** [E6] By a last-resort package: this device commits at once. */
  onLastResort(conversationId: string): void;
  onFailure(code: string): void;
}

const hourMs = 60 * 60 * 1000;

export class Joiner {
  readonly #options: JoinerOptions;
  constructor(options: JoinerOptions) {
    this.#options = options;
  }

  /**
   * Takes the Welcome that waits for this device; false when there is none, or it is not one to be taken. `record`: of a
   * conversation that this device does not know yet, stored together with the group.
   */
  async takeWelcome(conversationId: string, record: ConversationRecord | null): Promise<boolean> {
    const { blobs, crypto, desk, groups, keys, onFailure } = this.#options;
    const found = await orNotFound(
      desk.call({ method: "GET", path: `/conversations/${conversationId}/welcome`, answer: welcomeSchema }),
    );
    if (found === null || found.conversation_id !== conversationId) return false;
    const used = await desk.store.all("usedWelcomes");
    const present = await groups.get(conversationId);
    const joined = await crypto.joinByWelcome({
      keys: await keys.deviceKeys(),
      keyPackages: await keys.packages(),
      conversationId,
      generation: found.generation,
      kind: found.kind,
      epoch: found.epoch,
      inviter: found.inviter,
      welcome: await blobs.get(conversationId, found.welcome),
      tree: await blobs.get(conversationId, found.tree),
      usedWelcomes: used.map(({ welcomeId }) => welcomeId),
      // An older generation's, too: whoever kept it back could lead this device out of the present one.
      holdsState: present !== null && present.generation >= found.generation,
    });
    if (joined.failure !== null) {
      // Taken before, and held: nothing is missing.
      if (joined.failure === "state_exists") return true;
      onFailure(joined.failure);
      return false;
    }
    await this.#keep(conversationId, joined.value, record);
    return true;
  }

  async #keep(conversationId: string, joined: Welcomed, record: ConversationRecord | null): Promise<void> {
    const { desk, groups, keys, onLastResort } = this.#options;
    const { group, welcomeId, usedRef, isLastResort } = joined;
    await groups.locked(conversationId, async () => {
      const before = await groups.get(conversationId);
      const changes: Change[] = [
        ...groups.changes(conversationId, before, group),
        { table: "usedWelcomes", put: { welcomeId } },
        // The state before was another generation's, or another membership's.
        { table: "documents", remove: [conversationId] },
        { table: "pendingCommits", remove: [conversationId] },
      ];
      changes.push(await this.#spent(usedRef));
      if (record === null) await desk.store.apply(changes);
      else await desk.commit(record, changes);
      groups.stored(conversationId, group);
    });
    if (!isLastResort) return;
    keys.rotateSoon(group.suite);
    onLastResort(conversationId);
  }

  /** [E6] A one-time package is gone; a last-resort one opens what else is under way, and is to be followed by another. */
  async #spent(ref: string): Promise<Change> {
    const own = await this.#options.desk.store.get("keyPackages", [ref]);
    if (own === null || !own.isLastResort) return { table: "keyPackages", remove: [ref] };
    return { table: "keyPackages", put: { ...own, isUsed: true } };
  }

  /** [E12] Without an anchor: what came before is taken on the server's word, and the chat says so. */
  async joinByCommit(conversationId: string): Promise<void> {
    const { desk, reader, submitter } = this.#options;
    await submitter.settle(conversationId);
    for (let tries = 0; tries < limits.commitTriesMax; tries += 1) {
      const state = await reader.fetchState(conversationId);
      if (!(await this.#mayJoin(state))) return;
      try {
        await this.#commitItself(state);
        await this.#remember(conversationId);
        return;
      } catch (error) {
        // [E9] What nobody can come in by is a try as well, or a further generation would never be founded.
        if (error instanceof EncryptionError) await this.#remember(conversationId);
        if (!(error instanceof ProtocolError) || error.code !== "stale_epoch") throw error;
        if (desk.conversation(conversationId) !== null) await reader.catchUp(conversationId);
      }
    }
    throw new ProtocolError("busy");
  }

  /** Coming in again is for what cannot be mended otherwise: three times an hour [E9]. */
  canRejoin(record: ConversationRecord): boolean {
    return this.#recent(record).length < limits.rejoinsPerHourMax;
  }

  async #mayJoin({ conversation_id: conversationId, generation }: ConversationState): Promise<boolean> {
    const record = this.#options.desk.conversation(conversationId);
    if (record === null || record.security === "repairing") return true;
    const group = await this.#options.groups.get(conversationId);
    return group === null || group.generation < generation;
  }

  async #commitItself(state: ConversationState): Promise<void> {
    const { blobs, crypto, desk, keys, submitter } = this.#options;
    const { conversation_id: conversationId } = state;
    const info = await desk.call({
      method: "GET",
      path: `/conversations/${conversationId}/group-info`,
      answer: groupInfoSchema,
    });
    const last = await crypto.peekCommit(await blobs.get(conversationId, info.commit));
    if (last === null) throw new EncryptionError("group_info_invalid");
    const messageId = desk.environment.newMessageId(desk.environment.now());
    const { generation, kind, epoch } = info;
    const made = await crypto.joinByGroupInfo({
      keys: await keys.deviceKeys(),
      conversationId,
      generation,
      kind,
      epoch,
      groupInfo: base64.decode(info.group_info),
      tree: await blobs.get(conversationId, info.tree),
      // [E13] H is not known here; that of the log's start holds for everybody.
      position: { messageId, baseSeq: 0, baseHash: startOf(conversationId) },
      stateHash: last.stateHash,
      nowMs: desk.environment.now(),
    });
    if (made.failure !== null) throw new EncryptionError(made.failure);
    const self = { user_id: desk.session.userId, device_id: desk.session.deviceId };
    const pending = {
      conversationId,
      messageId,
      kind,
      generation,
      origin: "joiner" as const,
      made: made.value,
      rosterChange: { add: [self], remove: made.value.removed },
      document: null,
      baseSeq: desk.conversation(conversationId)?.cursor.seq ?? state.head,
    };
    await submitter.store(pending);
    await submitter.submit(pending);
  }

  async #remember(conversationId: string): Promise<void> {
    const { desk } = this.#options;
    const record = desk.conversation(conversationId);
    if (record === null) return;
    const rejoinedAtMs = [...this.#recent(record), desk.environment.now()];
    await desk.commit({ ...record, rejoinedAtMs }, []);
  }

  #recent({ rejoinedAtMs }: ConversationRecord): number[] {
    const since = this.#options.desk.environment.now() - hourMs;
    return rejoinedAtMs.filter((atMs) => atMs > since);
  }
}

export async function orNotFound<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "not_found") return null;
    throw error;
  }
}
