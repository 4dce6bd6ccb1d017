/** One thing that is wrong, and the checks that logs and copies share. */

export interface Finding {
  /** `foreign`: never written by anybody, or with another body than was written. */
  kind: "lost" | "duplicated" | "out_of_order" | "foreign";
  /** The message it is about, which counts once in however many places it is wrong. */
  subject: string;
  what: string;
}

interface Item {
  seq: number;
  messageId: string;
  text?: string | null;
}

/** [L4] [D3] Each stands behind the one before it. */
export function judgeOrder(items: readonly Item[], place: string): Finding[] {
  return items.flatMap(({ seq, messageId }, index): Finding[] => {
    const before = items[index - 1];
    if (before === undefined || before.seq < seq) return [];
    const what = `${seq} stands behind ${before.seq} in ${place}`;
    return [{ kind: "out_of_order", subject: messageId, what }];
  });
}

/** [L3] Neither an id nor a text twice: a resend under a new id is known by its text. */
export function judgeOnce(items: readonly Item[], place: string): Finding[] {
  const seen = new Map<string, number>();
  return items.flatMap(({ messageId, seq, text }): Finding[] => {
    const first = seen.get(messageId) ?? seen.get(text ?? messageId);
    seen.set(messageId, seq).set(text ?? messageId, seq);
    if (first === undefined) return [];
    return [{ kind: "duplicated", subject: text ?? messageId, what: `${seq} repeats ${first} in ${place}` }];
  });
}
