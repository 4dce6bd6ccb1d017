/** Each frame from a socket → the part that deals with it. Order within a conversation is kept by the desk's turns. */
import type { ErrorCode } from "../../protocol/errors.ts";
import type { Connection } from "../connection/connection.ts";
import type { Down } from "../connection/frames.ts";
import type { Sender } from "../outbox/sender.ts";
import type { Desk } from "../sync/desk.ts";
import type { InboxStore } from "../sync/inbox-store.ts";
import type { LogReader } from "../sync/log-reader.ts";
import type { ReadMarks } from "../sync/read-marks.ts";
import type { Receiver } from "../sync/receiver.ts";

export interface FrameRouterOptions {
  desk: Desk;
  reader: LogReader;
  receiver: Receiver;
  sender: Sender;
  readMarks: ReadMarks;
  inboxStore: InboxStore;
  /** [E6] */
  onKeysLow(): void;
  /** The chat's `ready` has been dealt with: whoever waits for its verdict on our position may go on [L5]. */
  onChatReady(conversationId: string): void;
  claimedLogId(conversationId: string): string | null;
}

export class FrameRouter {
  readonly #options: FrameRouterOptions;
  constructor(options: FrameRouterOptions) {
    this.#options = options;
  }

  /** Never rejects: what fails is tried again by the part that it concerns. */
  route(frame: Down, connection: Connection): void {
    const { receiver, sender } = this.#options;
    switch (frame.type) {
      case "entries":
        void receiver.entries(frame, acknowledgeOn(connection));
        return;
      case "accepted":
        sender.accepted(frame).catch(() => receiver.retryLater(frame.conversation_id));
        return;
      case "refused":
        sender.refused(frame);
        return;
      case "ready":
        if ("store_id" in frame) this.#inboxReady(frame.store_id, connection);
        else void this.#chatReady(frame, connection);
        return;
      case "marks":
        void receiver.marked(frame.conversation_ids, acknowledgeOn(connection));
        return;
      case "live":
        return;
      case "keys_low":
        this.#options.onKeysLow();
        return;
      default:
        this.#routeMark(frame);
    }
  }

  #routeMark(frame: Extract<Down, { type: "receipts" | "read_confirmed" | "error" }>): void {
    const { readMarks, receiver } = this.#options;
    const failed = (conversationId: string) => () => receiver.retryLater(conversationId);
    switch (frame.type) {
      case "receipts":
        readMarks.receipts(frame.conversation_id, frame.receipts).catch(failed(frame.conversation_id));
        return;
      case "read_confirmed":
        readMarks.confirmed(frame.conversation_id, frame.seq).catch(failed(frame.conversation_id));
        return;
      case "error":
        // An ack or a mark beyond the head: compare with the server [L5]. One too many at once: say it again later [F9].
        if (needsAnotherTry(frame.code) && frame.conversation_id !== undefined) {
          receiver.retryLater(frame.conversation_id);
        }
    }
  }

  #inboxReady(storeId: string, connection: Connection): void {
    this.#options.inboxStore.seen(storeId);
    this.#options.readMarks.repeatOn(connection);
  }

  async #chatReady(
    frame: Extract<Down, { type: "ready"; conversation_id: string }>,
    connection: Connection,
  ): Promise<void> {
    const { desk, reader, receiver, readMarks, onChatReady, claimedLogId } = this.#options;
    const { conversation_id: conversationId } = frame;
    const claimed = claimedLogId(conversationId);
    try {
      await desk.inTurn(conversationId, async () => {
        const record = desk.conversation(conversationId);
        // The claim may have been of a log that has been replaced here since.
        const isReplaced = frame.resync && record?.logId === claimed;
        if (record !== null) await reader.takeState(frame.state, isReplaced);
      });
      readMarks.repeatOn(connection, conversationId);
    } catch {
      receiver.retryLater(conversationId);
    } finally {
      onChatReady(conversationId);
    }
  }
}

function needsAnotherTry(code: ErrorCode): boolean {
  return code === "beyond_head" || code === "rate_limited";
}

/** On the socket that brought the entries, and on no other [D1]. */
function acknowledgeOn(connection: Connection): (conversationId: string, seq: number) => void {
  const { link } = connection;
  return (conversationId, seq) => {
    if (connection.link === link) connection.send([{ type: "ack", conversation_id: conversationId, seq }]);
  };
}
