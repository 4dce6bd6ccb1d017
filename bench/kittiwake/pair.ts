/** Two users of Kittiwake and their chat: one sends, the other receives and acknowledges. */
import type { ConversationState } from "../../src/protocol/entry.ts";
import type { Tokens } from "../../src/protocol/http.ts";
import { limits } from "../../src/protocol/limits.ts";
import { envelope, type Pair, type PairEvents } from "../contender.ts";
import { NumberedIds, numbered } from "../numbered-ids.ts";
import { Connection, type Path } from "./connection.ts";
import { messageIdPrefix } from "./http.ts";

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
  const prefix = messageIdPrefix();
  const accepted = new NumberedIds(prefix, (count) => events.accepted(count), events.failed);
  const delivered = new NumberedIds(prefix, (count) => events.delivered(count), events.failed);
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
  const middle = `","generation":${state.generation},"epoch":${state.epoch},"base_seq":`;
  const end = `,"silent":false,"envelope":"${envelope}"}`;
  let sent = 0;
  return {
    send(count) {
      // The head that this device knows of: only its own messages have followed the founding.
      const base = state.head + accepted.count;
      const frames = Array.from(
        { length: count },
        () => start + numbered(prefix, sent++) + middle + base + end,
      );
      const size = options.packs ? limits.framesPerArrayMax : 1;
      sender.send(inGroups(frames, size).map((group) => `[${group.join(",")}]`));
    },
    close() {
      sender.close();
      receiver.close();
    },
  };
}

function inGroups<T>(items: readonly T[], size: number): T[][] {
  const groups: T[][] = [];
  for (let at = 0; at < items.length; at += size) groups.push(items.slice(at, at + size));
  return groups;
}
