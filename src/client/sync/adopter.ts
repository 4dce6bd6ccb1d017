/**
 * Brings a conversation up to date with the server, whatever of it is here: unknown ones are taken in by Welcome or by
 * external commit [E7] [E12], known ones read on; a device without the key of the present generation comes in again [E9].
 * Every method runs in the conversation's turn.
 */
import type { ConversationState } from "../../protocol/entry.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { DeviceRef } from "../../protocol/ids.ts";
import type { HeldGroups } from "../groups/held-groups.ts";
import type { Joiner } from "../groups/joiner.ts";
import type { Refounder } from "../groups/refounder.ts";
import type { Submitter } from "../groups/submit.ts";
import type { ConversationRecord } from "../store/records.ts";
import { newRecord, startingAt } from "./conversation-state.ts";
import type { Desk } from "./desk.ts";
import type { LogReader } from "./log-reader.ts";

export interface AdopterOptions {
  desk: Desk;
  reader: LogReader;
  groups: HeldGroups;
  joiner: Joiner;
  submitter: Submitter;
  refounder: Refounder;
}

export class Adopter {
  readonly #options: AdopterOptions;
  constructor(options: AdopterOptions) {
    this.#options = options;
  }

  /** False when there is nothing for this device (any more). */
  async adopt(conversationId: string): Promise<boolean> {
    const { reader, submitter } = this.#options;
    try {
      await submitter.settle(conversationId);
      await this.#takeIn(await reader.fetchState(conversationId));
      return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return await this.#learnThatOneIsOut(conversationId);
    }
  }

  /** [F8] Who left, or was removed, reads up to there, and no further: a device that had not heard of it finds it so. */
  async #learnThatOneIsOut(conversationId: string): Promise<boolean> {
    const { desk, reader } = this.#options;
    if (desk.conversation(conversationId) === null) return false;
    try {
      await reader.catchUp(conversationId);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    const record = desk.conversation(conversationId);
    if (record?.isMember === true) await desk.commit({ ...record, isMember: false }, []);
    return true;
  }

  async #takeIn(state: ConversationState): Promise<void> {
    const { desk, reader } = this.#options;
    const { conversation_id: conversationId } = state;
    if (desk.conversation(conversationId) === null) return await this.#takeInNew(state);
    await reader.takeState(state);
    // Joined anew: what came between is not for this device.
    const known = desk.conversation(conversationId);
    const firstSeq = state.first_seq ?? 0;
    if (known !== null && firstSeq > known.cursor.seq + 1) await desk.commit(startingAt(known, firstSeq), []);
    if (known !== null && known.cursor.seq < state.head) await reader.catchUp(conversationId);
    await this.#mend(conversationId, state);
  }

  async #takeInNew(state: ConversationState): Promise<void> {
    const { desk, joiner, reader } = this.#options;
    const { conversation_id: conversationId, first_seq: firstSeq } = state;
    const isWelcome =
      firstSeq !== null &&
      (await joiner.takeWelcome(conversationId, newRecord(state, firstSeq, desk.session.userId)));
    if (!isWelcome) return await joiner.joinByCommit(conversationId);
    await reader.catchUp(conversationId);
    const record = desk.conversation(conversationId);
    if (record !== null && (await this.#isByStranger(record)))
      await desk.commit({ ...record, isRequest: true }, []);
  }

  /** [E7] Founded by somebody with whom this user has no other conversation. */
  async #isByStranger({ conversationId, kind, peerId }: ConversationRecord): Promise<boolean> {
    const { desk } = this.#options;
    const founding = (await desk.store.get("entries", [conversationId, 1]))?.raw;
    const founder = (founding as { sender?: DeviceRef } | undefined)?.sender;
    if (kind !== "direct" || founder === undefined || founder.user_id !== peerId) return false;
    const isKnown = desk
      .conversations()
      .some((other) => other.conversationId !== conversationId && isIn(other, peerId));
    return !isKnown;
  }

  async #mend(conversationId: string, state: ConversationState): Promise<void> {
    const { desk, joiner, refounder } = this.#options;
    const record = desk.conversation(conversationId);
    if (record === null) return;
    if (!(await this.#lacksKey(record, state))) return refounder.addRest(conversationId);
    if (joiner.canRejoin(record)) await joiner.joinByCommit(conversationId);
    else await refounder.found(conversationId);
  }

  async #lacksKey(record: ConversationRecord, state: ConversationState): Promise<boolean> {
    const isOurs = state.members.some((member) => member.user_id === this.#options.desk.session.userId);
    if (!record.isMember || !isOurs || record.security === "fork") return false;
    const group = await this.#options.groups.get(record.conversationId);
    return group === null || group.generation < record.generation || record.security === "repairing";
  }
}

function isIn({ members }: ConversationRecord, userId: string): boolean {
  return members.some((member) => member.userId === userId);
}

function isNotFound(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === "not_found";
}
