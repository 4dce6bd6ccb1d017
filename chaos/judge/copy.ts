/** A member's copy against the log [D1] [D2] [D3]: the same entries at the same places, and each text shown once. */
import type { Copy, LogEntry, Shown } from "./evidence.ts";
import { type Finding, judgeOnce, judgeOrder } from "./finding.ts";

export function judgeCopy(copy: Copy, log: readonly LogEntry[], place: string): Finding[] {
  const kept = new Map(copy.entries.map((entry) => [entry.messageId, entry.seq]));
  const shown = new Map(copy.shown.map((message) => [message.messageId, message]));
  const inLog = new Set(log.map((entry) => entry.messageId));
  const strange = [...copy.entries, ...copy.shown].filter(({ messageId }) => !inLog.has(messageId));
  return [
    ...judgeOrder(copy.entries, place),
    ...judgeOnce(copy.entries, place),
    ...judgeOrder(copy.shown, place),
    ...judgeOnce(copy.shown, place),
    ...log.flatMap((entry) =>
      judgeCopied(entry, kept.get(entry.messageId), shown.get(entry.messageId), place),
    ),
    ...strange.map(({ messageId, seq }): Finding => {
      return { kind: "foreign", subject: messageId, what: `${seq} in ${place} is not in the log` };
    }),
  ];
}

function judgeCopied(
  { seq, messageId: subject, text, senderId }: LogEntry,
  keptSeq: number | undefined,
  shown: Shown | undefined,
  place: string,
): Finding[] {
  if (keptSeq === undefined) return [{ kind: "lost", subject, what: `${seq} is not in ${place}` }];
  if (keptSeq !== seq)
    return [{ kind: "out_of_order", subject, what: `${seq} is kept as ${keptSeq} in ${place}` }];
  if (text === null) return [];
  if (shown === undefined) return [{ kind: "lost", subject, what: `${seq} is not shown in ${place}` }];
  if (shown.seq !== seq)
    return [{ kind: "out_of_order", subject, what: `${seq} is shown as ${shown.seq} in ${place}` }];
  if (shown.text !== text || shown.senderId !== senderId)
    return [{ kind: "foreign", subject, what: `${seq} has another body or sender in ${place}` }];
  return [];
}
