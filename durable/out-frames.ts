/**
 * Frames on their way to one socket: gathered during a turn, written as one JSON array per flush, cut at a bound.
 * A socket that is gone swallows them: what was not acknowledged comes again by the cursors [D1].
 */
import { limits } from "../src/protocol/limits.ts";

export class OutFrames {
  #ws: WebSocket;
  #frames: string[] = [];
  #bytes = 0;

  constructor(ws: WebSocket) {
    this.#ws = ws;
  }

  /** `frame` is JSON text. */
  push(frame: string): void {
    if (this.#bytes + frame.length > limits.frameBytesMax) this.flush();
    this.#frames.push(frame);
    this.#bytes += frame.length + 1;
  }

  flush(): void {
    if (this.#frames.length === 0) return;
    const text = `[${this.#frames.join(",")}]`;
    this.#frames = [];
    this.#bytes = 0;
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(text);
  }
}

/** An `entries` frame from entries that are JSON already. */
export function entriesFrame(
  conversationId: string,
  logId: string,
  entries: readonly string[],
  mac: string | null | undefined,
): string {
  const proof = mac ? `,"mac":"${mac}"` : "";
  return `{"type":"entries","conversation_id":"${conversationId}","log_id":"${logId}"${proof},"entries":[${entries.join(",")}]}`;
}

/** The same in frames of bounded size [F9]; the proof is the last one's. None for no entries. */
export function entriesFrames(
  conversationId: string,
  logId: string,
  entries: readonly string[],
  mac: string | null,
): string[] {
  const frames: string[] = [];
  let from = 0;
  let bytes = 0;
  for (const [index, entry] of entries.entries()) {
    if (index > from && bytes + entry.length > limits.backlogBytesMax) {
      frames.push(entriesFrame(conversationId, logId, entries.slice(from, index), null));
      from = index;
      bytes = 0;
    }
    bytes += entry.length;
  }
  if (entries.length > 0) frames.push(entriesFrame(conversationId, logId, entries.slice(from), mac));
  return frames;
}
