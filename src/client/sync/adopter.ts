/**
 * Conversations this device does not know yet: it fetches their state, commits itself into the roster if it is missing
 * there, and reads from its joining [F8]. Every method runs in the conversation's turn.
 */
import type { ConversationState } from "../../protocol/entry.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { acceptedSchema } from "../../protocol/send.ts";
import { encodeContent } from "../content.ts";
import { newRecord, startingAt } from "./conversation-state.ts";
import type { Desk } from "./desk.ts";
import type { LogReader } from "./log-reader.ts";

/** Others' commits may come between; each try starts from the state they left. */
const joinTriesMax = 5;

export class Adopter {
  readonly #desk: Desk;
  readonly #reader: LogReader;
  constructor(desk: Desk, reader: LogReader) {
    this.#desk = desk;
    this.#reader = reader;
  }

  /** False when there is nothing for this device (any more). */
  async adopt(conversationId: string): Promise<boolean> {
    try {
      await this.#takeIn(await this.#reader.fetchState(conversationId));
      return true;
    } catch (error) {
      if (error instanceof ProtocolError && error.code === "not_found") return false;
      throw error;
    }
  }

  /** A state just received, of a conversation known or not: joins if needed, and catches up. */
  async #takeIn(state: ConversationState): Promise<void> {
    const { conversation_id: conversationId } = state;
    const joined = state.first_seq === null ? await this.#join(state) : state;
    const firstSeq = joined.first_seq ?? joined.head + 1;
    const record = this.#desk.conversation(conversationId);
    if (record === null) {
      await this.#desk.commit(newRecord(joined, firstSeq, this.#desk.session.userId), []);
    } else {
      await this.#reader.takeState(joined);
      // Joined anew: what came between is not for this device.
      const known = this.#desk.conversation(conversationId) ?? record;
      if (firstSeq > known.cursor.seq + 1) await this.#desk.commit(startingAt(known, firstSeq), []);
    }
    const known = this.#desk.conversation(conversationId);
    if (known !== null && known.cursor.seq < joined.head) await this.#reader.catchUp(conversationId);
  }

  async #join(state: ConversationState): Promise<ConversationState> {
    const { conversation_id: conversationId } = state;
    let seen = state;
    for (let tries = 0; tries < joinTriesMax && seen.first_seq === null; tries += 1) {
      try {
        await this.#commitItself(seen);
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.code !== "stale_epoch") throw error;
      }
      seen = await this.#reader.fetchState(conversationId);
    }
    if (seen.first_seq === null) throw new ProtocolError("busy");
    return seen;
  }

  async #commitItself(state: ConversationState): Promise<void> {
    const { environment, session, call } = this.#desk;
    const self = { user_id: session.userId, device_id: session.deviceId };
    await call({
      method: "POST",
      path: `/conversations/${state.conversation_id}/commits`,
      body: {
        message_id: environment.newMessageId(environment.now()),
        epoch: state.epoch,
        base_seq: state.head,
        envelope: await encodeContent({ v: 1, type: "device_joined" }),
        roster_change: { add: [self], remove: [] },
      },
      answer: acceptedSchema,
    });
  }
}
