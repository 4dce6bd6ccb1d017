/**
 * Resume [D4]: held rows go out in bounded batches, the next once the last is acknowledged, then marks and `live` in the
 * turn that finds no rows left. What is stored always goes before what is live.
 */
import { limits } from "../../src/protocol/limits.ts";
import { entriesFrame } from "../out-frames.ts";
import type { Held, HeldPosition, HeldRow } from "./held.ts";
import type { InboxConnection } from "./inbox-sockets.ts";
import type { Marks } from "./marks.ts";
import type { Remembered } from "./remembered.ts";

/** A batch that was never acknowledged is sent again after this long, when something new is held. */
const batchRepeatMs = 10_000;

export interface BacklogBatch {
  /** JSON texts of `entries` frames. */
  frames: string[];
  /** Last seq per conversation. */
  upTo: Map<string, number>;
  position: HeldPosition | null;
}

/** Sends the next batch if the last is acknowledged; the caller flushes. */
export function pumpBacklog(
  connection: InboxConnection,
  { held, remembered, marks }: { held: Held; remembered: Remembered; marks: Marks },
  now: number,
): void {
  if (connection.phase !== "resuming") return;
  if (connection.batch.size > 0) {
    if (now - connection.batchSentAt < batchRepeatMs) return;
    connection.position = null;
  }
  const batch = nextBatch(connection.deviceId, connection.position, held, remembered);
  connection.batch = batch.upTo;
  connection.position = batch.position;
  connection.batchSentAt = now;
  if (batch.frames.length === 0) {
    connection.phase = "live";
    for (const ids of inParts(marks.ofDevice(connection.deviceId))) {
      connection.queue({ type: "marks", conversation_ids: ids });
    }
    connection.queue({ type: "live" });
  }
  for (const frame of batch.frames) connection.out.push(frame);
  connection.save();
}

function* inParts(ids: readonly string[]): Generator<string[]> {
  for (let from = 0; from < ids.length; from += limits.marksPerFrameMax) {
    yield ids.slice(from, from + limits.marksPerFrameMax);
  }
}

/** Rows after the position; at their end once more from the start, for rows that were held behind it meanwhile. */
export function nextBatch(
  deviceId: number,
  position: HeldPosition | null,
  held: Held,
  remembered: Remembered,
): BacklogBatch {
  for (let from = position; ; from = null) {
    const rows = takeRows(deviceId, from, held, remembered);
    if (rows.length > 0 || from === null) return batchOf(rows);
  }
}

function takeRows(
  deviceId: number,
  from: HeldPosition | null,
  held: Held,
  remembered: Remembered,
): HeldRow[] {
  const taken: HeldRow[] = [];
  const chats = new Set<string>();
  let bytes = 0;
  let position = from;
  for (;;) {
    let isEmpty = true;
    for (const row of held.after(deviceId, position)) {
      isEmpty = false;
      position = row;
      // Acknowledged, and only waiting for the Conversation to count it.
      if (row.seq <= remembered.acked(deviceId, row.conversation_id)) continue;
      bytes += row.entry.length;
      chats.add(row.conversation_id);
      const isFull =
        bytes > limits.backlogBytesMax ||
        chats.size > limits.backlogConversationsMax ||
        taken.length >= limits.backlogEntriesMax;
      if (taken.length > 0 && isFull) return taken;
      taken.push(row);
    }
    if (isEmpty || taken.length > 0) return taken;
  }
}

function batchOf(rows: readonly HeldRow[]): BacklogBatch {
  const upTo = new Map<string, number>();
  for (const row of rows) upTo.set(row.conversation_id, row.seq);
  const last = rows.at(-1);
  return {
    frames: runs(rows).map((run) => {
      const end = run.at(-1);
      return entriesFrame(
        end?.conversation_id ?? "",
        end?.log_id ?? "",
        run.map((row) => row.entry),
        end?.mac,
      );
    }),
    upTo,
    position: last === undefined ? null : { conversation_id: last.conversation_id, seq: last.seq },
  };
}

/** Neighbouring rows of one log of one conversation. */
function runs(rows: readonly HeldRow[]): HeldRow[][] {
  const grouped: HeldRow[][] = [];
  for (const row of rows) {
    const run = grouped.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last?.conversation_id === row.conversation_id && last.log_id === row.log_id)
      run.push(row);
    else grouped.push([row]);
  }
  return grouped;
}
