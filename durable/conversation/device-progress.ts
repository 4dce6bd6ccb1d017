/**
 * How far one device has come in one log [F4], and what is on its way to it.
 *
 *   … acked ≤ placed ≤ offered ≤ head
 *
 * acked: the device has everything up to here. placed: everything up to here is acked or held by its Inbox.
 * Between placed and offered lie segments, dense and in order, each in one state:
 *   under_way  a call to the Inbox that has not answered
 *   handed     written to a live socket; volatile, with a deadline [F6] [F7]
 *   held       stored by the Inbox, but something below it is not
 *   own        the device's own entry, which it is never sent
 *   unknown    an unanswered or failed call, or the time before this object woke
 * Nothing here is stored but acked and placed; after a wake all above placed is unknown.
 */
export type SegmentState = "under_way" | "handed" | "held" | "own" | "unknown";
interface Segment {
  from: number;
  to: number;
  state: SegmentState;
  /** When it was written to a socket, or last offered. Milliseconds. */
  at: number;
}
export interface Range {
  from: number;
  to: number;
}

/** Neighbouring handed segments this close in time are one. */
const mergeWithinMs = 250;

export class DeviceProgress {
  acked: number;
  placed: number;
  offered: number;
  #segments: Segment[] = [];

  constructor(acked: number, placed: number, head: number) {
    this.acked = acked;
    this.placed = placed;
    this.offered = Math.max(placed, head);
    if (head > placed) this.#segments.push({ from: placed + 1, to: head, state: "unknown", at: 0 });
  }

  /** The next range after `offered` is on its way, or is the device's own. */
  offer(to: number, state: "under_way" | "handed" | "own", at: number): void {
    if (to <= this.offered) return;
    this.#push({ from: this.offered + 1, to, state, at });
    this.offered = to;
    this.#absorb();
  }

  /** What became of a call: handed, held, or nothing known. Parts that were acked meanwhile stay acked. */
  settle(range: Range, state: "handed" | "held" | "unknown", at: number): void {
    this.#rewrite(range, (segment) => (segment.state === "under_way" ? { ...segment, state, at } : segment));
    this.#absorb();
  }

  /** Marks what is overdue in the range as on its way again, with `hold`. */
  offerAgain(range: Range, at: number): void {
    this.#rewrite(range, (segment) =>
      segment.state === "handed" || segment.state === "unknown"
        ? { ...segment, state: "under_way", at }
        : segment,
    );
  }

  /** What after a wake was unknown turns out to be the device's own. */
  passOwn(range: Range): void {
    this.#rewrite(range, (segment) => (segment.state === "unknown" ? { ...segment, state: "own" } : segment));
    this.#absorb();
  }

  /** Cumulative; returns whether it was news. */
  ack(seq: number): boolean {
    if (seq <= this.acked) return false;
    this.acked = seq;
    this.placed = Math.max(this.placed, seq);
    this.offered = Math.max(this.offered, seq);
    this.#absorb();
    return true;
  }

  /** Ranges that must be delivered with `hold`: handed before `before`, or unknown. Neighbours are joined. */
  overdue(before: number): Range[] {
    const ranges: Range[] = [];
    let isOpen = false;
    for (const segment of this.#segments) {
      const isOverdue = segment.state === "unknown" || (segment.state === "handed" && segment.at <= before);
      const last = ranges.at(-1);
      // One's own entries between two overdue ranges do not part them: the Inbox leaves them out.
      if (isOverdue && last !== undefined && isOpen) last.to = segment.to;
      else if (isOverdue) ranges.push({ from: segment.from, to: segment.to });
      isOpen = isOverdue || (isOpen && segment.state === "own");
    }
    return ranges;
  }

  /** When the oldest handed entry was written, or null. */
  oldestHandedAt(): number | null {
    return this.#segments.find((segment) => segment.state === "handed")?.at ?? null;
  }

  /** Entries written to a socket and not acknowledged. */
  handedCount(): number {
    let count = 0;
    for (const segment of this.#segments) {
      if (segment.state === "handed") count += segment.to - segment.from + 1;
    }
    return count;
  }

  isPlacedUpTo(head: number): boolean {
    return this.placed >= head;
  }

  #push(next: Segment): void {
    pushMerged(this.#segments, next);
  }

  /** Applies `change` to the parts of segments inside the range. */
  #rewrite(range: Range, change: (segment: Segment) => Segment): void {
    const rewritten: Segment[] = [];
    for (const segment of this.#segments) {
      if (segment.to < range.from || segment.from > range.to) {
        pushMerged(rewritten, segment);
        continue;
      }
      if (segment.from < range.from) pushMerged(rewritten, { ...segment, to: range.from - 1 });
      pushMerged(
        rewritten,
        change({ ...segment, from: Math.max(segment.from, range.from), to: Math.min(segment.to, range.to) }),
      );
      if (segment.to > range.to) pushMerged(rewritten, { ...segment, from: range.to + 1 });
    }
    this.#segments = rewritten;
  }

  /** Moves acked and placed over what now lies directly above them. */
  #absorb(): void {
    for (;;) {
      const first = this.#segments[0];
      if (first === undefined) return;
      if (first.to <= this.placed) {
        // Own entries below an earlier placed still lift acked, once acked has come up to them.
        if (first.state === "own" && this.acked >= first.from - 1)
          this.acked = Math.max(this.acked, first.to);
        this.#segments.shift();
      } else if (first.state === "own" || first.state === "held") {
        if (first.state === "own" && this.acked >= first.from - 1) this.acked = first.to;
        this.placed = first.to;
      } else {
        if (first.from <= this.placed) first.from = this.placed + 1;
        return;
      }
    }
  }
}

/** Neighbours in one state are one segment, so that their number is bounded by changes of state, not by entries [F9]. */
function pushMerged(segments: Segment[], next: Segment): void {
  const last = segments.at(-1);
  const isTimed = next.state === "handed";
  const mergeable =
    last !== undefined &&
    last.state === next.state &&
    next.state !== "under_way" &&
    (!isTimed || Math.abs(next.at - last.at) <= mergeWithinMs);
  if (mergeable) segments[segments.length - 1] = { ...last, to: next.to };
  else segments.push(next);
}
