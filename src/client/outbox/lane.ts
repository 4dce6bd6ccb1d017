/** The outbox of one conversation in memory: what waits, in order, and what of it is under way on which path. */
import type { Refused } from "../../protocol/send.ts";
import type { Connection } from "../connection/connection.ts";
import type { Timer } from "../environment.ts";
import type { OutboxRecord } from "../store/records.ts";

export type SendPath = { type: "socket"; connection: Connection; link: number } | { type: "http" };

export interface Lane {
  readonly conversationId: string;
  /** In order of `position`; failed ones among them. */
  items: OutboxRecord[];
  /** Never two at once: another path is taken only when nothing is under way on this one any more. */
  path: SendPath | null;
  inFlight: Set<string>;
  /** Accepted, and about to leave the store. */
  accepted: Set<string>;
  /** [L7] Something was refused: nothing is sent until all in flight is answered and the cause is mended. */
  refusals: Pick<Refused, "message_id" | "code" | "retry_after_ms">[];
  isHeldBack: boolean;
  isRepairing: boolean;
  /** Its next items are being encrypted; and whether that is to be looked at once more after it. */
  isSealing: boolean;
  isSealDue: boolean;
  waitTimer: Timer | null;
  answerTimer: Timer | null;
  /** Rounds without a network, for the back-off. */
  absences: number;
}

export function newLane(conversationId: string): Lane {
  return {
    conversationId,
    items: [],
    path: null,
    inFlight: new Set(),
    accepted: new Set(),
    refusals: [],
    isHeldBack: false,
    isRepairing: false,
    isSealing: false,
    isSealDue: false,
    waitTimer: null,
    answerTimer: null,
    absences: 0,
  };
}

export function isUp(path: SendPath): boolean {
  return path.type === "http" || (path.connection.link === path.link && path.connection.canSend);
}

export function isSamePath(one: SendPath, other: SendPath): boolean {
  if (one.type === "http" || other.type === "http") return one.type === other.type;
  return one.connection === other.connection && one.link === other.link;
}

/** The oldest that are neither under way nor answered nor given up. */
export function sendable(lane: Lane, count: number): OutboxRecord[] {
  const waits = lane.items.filter(
    (item) =>
      item.state === "pending" && !lane.inFlight.has(item.messageId) && !lane.accepted.has(item.messageId),
  );
  return waits.slice(0, Math.max(0, count));
}

export function replaceItem(lane: Lane, item: OutboxRecord): void {
  lane.items = lane.items.map((known) => (known.messageId === item.messageId ? item : known));
}

export function nextPosition(lane: Lane): number {
  return Math.max(0, ...lane.items.map((item) => item.position)) + 1;
}
