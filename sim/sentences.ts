/** Frames, calls and answers as short sentences for the trace. */
import { short } from "./actors/people.ts";

interface Anything {
  [name: string]: unknown;
}

/** A text frame, either way. */
export function ofFrames(text: string): string {
  if (!text.startsWith("[")) return text;
  return (JSON.parse(text) as Anything[]).map(ofFrame).join("; ");
}

function ofFrame(frame: Anything): string {
  const chat = typeof frame.conversation_id === "string" ? ` of ${short(frame.conversation_id)}` : "";
  switch (frame.type) {
    case "entries":
      return `entries ${seqs(frame.entries)}${chat}`;
    case "receipts":
      return `receipts${chat}: ${marks(frame.receipts)}`;
    case "ready":
      return frame.state === undefined
        ? "ready"
        : `ready${frame.resync === true ? " to resync" : ""}${chat}: ${ofState(frame.state as Anything)}`;
    case "hello": {
      const position = frame.position as Anything | null | undefined;
      return position === undefined
        ? "hello"
        : `hello${chat} at ${position === null ? "the start" : String(position.seq)}`;
    }
    case "send":
    case "commit":
      return `${frame.type} ${id(frame.message_id)} on base ${String(frame.base_seq)}${chat}`;
    case "accepted":
      return `accepted ${id(frame.message_id)} at ${String(frame.seq)}${chat}`;
    case "refused":
      return `refused ${id(frame.message_id)}: ${String(frame.code)}${chat}`;
    case "error":
      return `error ${String(frame.code)}${chat}`;
    default:
      return `${String(frame.type)} ${frame.seq === undefined ? "" : String(frame.seq)}${chat}`;
  }
}

export function ofCall(method: string, args: readonly unknown[]): string {
  const [first, second] = args as [Anything, Anything | undefined];
  switch (method) {
    case "deliver":
      return `deliver ${String(first.from)}…${String(first.to)} to devices ${String(first.devices)}${first.hold === true ? " with hold" : ""}`;
    case "receipts":
      return `receipts ${marks(first.receipts)}`;
    case "acked":
      return `acked ${JSON.stringify(second)}`;
    case "submit":
      return `submit ${(second as unknown as Anything[]).map((item) => id(item.message_id)).join(", ")}`;
    case "fetch":
      return "a socket";
    default:
      return `${method} ${JSON.stringify(args).slice(0, 120)}`;
  }
}

export function ofHttp(path: string, body: unknown): string {
  const where = path.replace("/v1", "").replace(/[\w-]{43}/, (match) => match.slice(0, 6));
  const facts = (body ?? {}) as Anything;
  if (Array.isArray(facts.frames))
    return `${where} live ${String(facts.live)} ${(facts.frames as Anything[]).map(ofFrame).join("; ")}`;
  if (Array.isArray(facts.entries)) return `${where} entries ${seqs(facts.entries)} of ${String(facts.head)}`;
  if (facts.members !== undefined) return `${where} ${ofState(facts)}`;
  if (facts.message_id !== undefined)
    return `${where} ${id(facts.message_id)}${placeOf(facts)} ${facts.seq === undefined ? "" : `at ${String(facts.seq)}`}`;
  return `${where} ${JSON.stringify(body ?? "", abridged).slice(0, 160)}`;
}

/** Bytes say nothing to a reader. */
function abridged(_key: string, value: unknown): unknown {
  return typeof value === "string" && value.length > 48 ? `${value.slice(0, 6)}…` : value;
}

/** Generation and epoch of what is submitted. */
function placeOf({ generation, epoch, roster_change: change }: Anything): string {
  const place = generation === undefined ? "" : ` in ${String(generation)}.${String(epoch ?? 0)}`;
  return change === undefined
    ? place
    : `${place} ${JSON.stringify(change, abridged).replace(/"user_id":"[\w-]{16}/g, '"')}`;
}

function ofState(state: Anything): string {
  const members = (state.members as Anything[]).map(
    (member) =>
      `${id(member.user_id)} [${String(member.devices)}] delivered ${String(member.delivered)} read ${String(member.read)}`,
  );
  return `log ${id(state.log_id)} group ${String(state.generation)}.${String(state.epoch)} head ${String(state.head)} first ${String(state.first_seq)}: ${members.join(", ")}`;
}

function seqs(entries: unknown): string {
  const found = (entries as Anything[]).map((entry) => Number(entry.seq));
  const first = found[0];
  if (first === undefined) return "none";
  const last = found.at(-1) ?? first;
  return last - first === found.length - 1
    ? first === last
      ? `${first}`
      : `${first}…${last}`
    : found.join(" ");
}

function marks(receipts: unknown): string {
  return (receipts as Anything[])
    .map((mark) => `${id(mark.user_id)} delivered ${String(mark.delivered)} read ${String(mark.read)}`)
    .join(", ");
}

/** The end of a message id differs most, the start of all others. */
function id(value: unknown): string {
  const text = String(value);
  return text.length === 36 ? text.slice(-6) : text.slice(0, 6);
}
