/** Two users of Kittiwake and their chat: one sends, the other receives and acknowledges. */
import type { ConversationState } from "../../src/protocol/entry.ts";
import type { Tokens } from "../../src/protocol/http.ts";
import { limits } from "../../src/protocol/limits.ts";
import { envelope, type Pair, type PairEvents } from "../contender.ts";
import { Connection, type Path } from "./connection.ts";
import { messageIds } from "./http.ts";

export interface ChatOptions {
  base: string;
  path: Path;
  /** Sends that are due together travel in one array, as the client of this repository packs them; else one each. */
  packs: boolean;
  state: ConversationState;
  sender: Tokens;
  receiver: Tokens;
}

export async function openPair(options: ChatOptions, events: PairEvents): Promise<Pair> {
  const { base, path, state } = options;
  const id = state.conversation_id;
  const messageId = messageIds();
  const accepted = new NumberedIds(messageId, (count) => events.accepted(count), events.failed);
  const delivered = new NumberedIds(messageId, (count) => events.delivered(count), events.failed);
  const open = (tokens: Tokens, ids: NumberedIds) =>
    Connection.open({
      base,
      path,
      conversationId: id,
      accessToken: tokens.access_token,
      received: (text) => ids.take(text),
      failed: events.failed,
    });
  const receiver = await open(options.receiver, delivered);
  const sender = await open(options.sender, accepted);

  const start = `{"type":"send","conversation_id":"${id}","message_id":"`;
  const middle = `","epoch":${state.epoch},"base_seq":`;
  const end = `,"silent":false,"envelope":"${envelope}"}`;
  let sent = 0;
  return {
    send(count) {
      // The head that this device knows of: only its own messages have followed the founding.
      const base = state.head + accepted.count;
      const frames = Array.from({ length: count }, () => start + messageId(sent++) + middle + base + end);
      const size = options.packs ? limits.framesPerArrayMax : 1;
      sender.send(inGroups(frames, size).map((group) => `[${group.join(",")}]`));
    },
    close() {
      sender.close();
      receiver.close();
    },
  };
}

/** Finds the numbers in message ids, which must come as 0, 1, 2 … */
class NumberedIds {
  readonly #prefix: string;
  readonly #counted: (count: number) => void;
  readonly #failed: (error: Error) => void;
  count = 0;

  constructor(
    messageId: (number: number) => string,
    counted: (count: number) => void,
    failed: (error: Error) => void,
  ) {
    this.#prefix = messageId(0).slice(0, -numberLength);
    this.#counted = counted;
    this.#failed = failed;
  }

  /** Ids stand nowhere but in the frames that announce them, once in each. */
  take(text: string): void {
    const before = this.count;
    for (let at = text.indexOf(this.#prefix); at >= 0; at = text.indexOf(this.#prefix, at)) {
      at += this.#prefix.length;
      const number = Number.parseInt(text.slice(at, at + numberLength), 16);
      if (number !== this.count)
        return this.#failed(new Error(`message ${number} came where ${this.count} was due`));
      this.count += 1;
    }
    if (this.count > before) this.#counted(this.count - before);
  }
}

const numberLength = 12;

function inGroups<T>(items: readonly T[], size: number): T[][] {
  const groups: T[][] = [];
  for (let at = 0; at < items.length; at += size) groups.push(items.slice(at, at + size));
  return groups;
}
