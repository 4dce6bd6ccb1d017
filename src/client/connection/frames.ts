/**
 * Text ↔ frames. Received entries are read leniently: a frame with one entry of an unknown kind still counts, and that
 * entry is parked [D8]. A frame of an unknown type is left out, as the next version of the protocol may add some.
 */
import { z } from "zod";
import { type Entry, entrySchema } from "../../protocol/entry.ts";
import {
  type ChatDown,
  type ChatUp,
  chatDownSchema,
  type InboxDown,
  type InboxUp,
  inboxDownSchema,
} from "../../protocol/frames.ts";
import { deviceRefSchema, messageIdSchema, seqSchema, timestampSchema } from "../../protocol/ids.ts";
import { limits } from "../../protocol/limits.ts";
import { type EntriesFrame, entriesSchema, pageSchema } from "../../protocol/receive.ts";

/** What an entry of an unknown kind must have all the same: its place and its id. */
const unknownEntrySchema = z.object({
  seq: seqSchema.min(1),
  message_id: messageIdSchema,
  sender: deviceRefSchema,
  sent_at: timestampSchema,
});
export type UnknownEntry = z.infer<typeof unknownEntrySchema> & { kind: "unknown"; whole: unknown };
export type ReceivedEntry = Entry | UnknownEntry;

const receivedEntrySchema: z.ZodType<ReceivedEntry> = z
  .unknown()
  .transform((value, context): ReceivedEntry => {
    const entry = entrySchema.safeParse(value);
    if (entry.success) return entry.data;
    const unknown = unknownEntrySchema.safeParse(value);
    if (unknown.success) return { ...unknown.data, kind: "unknown", whole: value };
    context.addIssue({ code: "custom", message: "not an entry" });
    return z.NEVER;
  });

export type ReceivedEntries = Omit<EntriesFrame, "entries"> & { entries: ReceivedEntry[] };
export const receivedEntriesSchema = entriesSchema.extend({ entries: z.array(receivedEntrySchema) });
export const receivedPageSchema = pageSchema.extend({ entries: z.array(receivedEntrySchema) });
export type ReceivedPage = z.infer<typeof receivedPageSchema>;

export type Up = ChatUp | InboxUp;
export type Down = Exclude<ChatDown | InboxDown, EntriesFrame> | ReceivedEntries;

const schemas = { chat: chatDownSchema, inbox: inboxDownSchema };
const typeSchema = z.looseObject({ type: z.string() });

/** Null: this was no array of frames at all, and the connection cannot be trusted. */
export function parseFrames(kind: "chat" | "inbox", text: string): Down[] | null {
  const items = readArray(text);
  return items === null
    ? null
    : items.map((item) => parseFrame(kind, item)).filter((frame) => frame !== null);
}

function parseFrame(kind: "chat" | "inbox", item: unknown): Down | null {
  const type = typeSchema.safeParse(item).data?.type;
  if (type === "entries") return receivedEntriesSchema.safeParse(item).data ?? null;
  const frame = schemas[kind].safeParse(item).data;
  return frame === undefined || frame.type === "entries" ? null : frame;
}

function readArray(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** As few texts as the bounds on a frame array allow, in order. */
export function packFrames(frames: readonly Up[]): string[] {
  const texts: string[] = [];
  let batch: string[] = [];
  let bytes = 2;
  const flush = () => {
    if (batch.length > 0) texts.push(`[${batch.join(",")}]`);
    batch = [];
    bytes = 2;
  };
  for (const frame of frames) {
    // Everything in a frame is ASCII (ids, numbers, base64), so that characters are bytes.
    const json = JSON.stringify(frame);
    if (batch.length >= limits.framesPerArrayMax || bytes + json.length + 1 > limits.frameBytesMax) flush();
    batch.push(json);
    bytes += json.length + 1;
  }
  flush();
  return texts;
}
