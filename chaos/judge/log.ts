/** The log against what was ordered and told: dense, in every sender's order, nothing doubled, nothing strange. */
import type { Evidence, LogEntry, Order, Told } from "./evidence.ts";
import { type Finding, judgeOnce, judgeOrder } from "./finding.ts";

export interface LogContext {
  conversationId: string;
  place: string;
  orders: ReadonlyMap<string, Order & { number: number }>;
  evidence: Evidence;
}

export function judgeLog(log: readonly LogEntry[], context: LogContext): Finding[] {
  return [
    ...judgeOrder(log, context.place),
    ...judgeOnce(log, context.place),
    ...judgeDense(log, context),
    ...judgeTimes(log, context),
    ...judgeSenders(log, context),
    ...judgeBodies(log, context),
    ...judgeTold(log, context),
    ...judgeOutboxes(log, context),
  ];
}

/** [L1] */
function judgeDense(log: readonly LogEntry[], context: LogContext): Finding[] {
  const present = new Set(log.map((entry) => entry.seq));
  const head = log.reduce((highest, { seq }) => Math.max(highest, seq), 0);
  const missing = Array.from({ length: head }, (_, index) => index + 1).filter((seq) => !present.has(seq));
  const { place } = context;
  const toldBySeq = new Map(toldHere(context).map(({ seq, messageId }) => [seq, messageId]));
  return missing.map((seq) => {
    const subject = toldBySeq.get(seq) ?? `${place} ${seq}`;
    return { kind: "lost", subject, what: `${seq} is missing in ${place}` };
  });
}

function toldHere({ evidence, orders, conversationId }: LogContext): Told[] {
  return evidence.told.filter(({ text }) => orders.get(text)?.conversationId === conversationId);
}

/** [L4] */
function judgeTimes(log: readonly LogEntry[], { place }: LogContext): Finding[] {
  return log.flatMap(({ seq, messageId, sentAtMs }, index): Finding[] => {
    const before = log[index - 1];
    if (before === undefined || before.sentAtMs <= sentAtMs) return [];
    return [{ kind: "out_of_order", subject: messageId, what: `the clock goes back at ${seq} in ${place}` }];
  });
}

/** [L7] The order in which each sender was asked to write. */
function judgeSenders(log: readonly LogEntry[], { place, orders, evidence }: LogContext): Finding[] {
  const lastBySender = new Map<string, number>();
  return log.flatMap(({ seq, messageId, senderId, text }): Finding[] => {
    const number = orders.get(text ?? "")?.number;
    if (number === undefined || evidence.overtakable.has(messageId)) return [];
    const last = lastBySender.get(senderId) ?? -1;
    lastBySender.set(senderId, Math.max(last, number));
    if (number >= last) return [];
    const what = `${seq} was written before one of its sender that stands earlier in ${place}`;
    return [{ kind: "out_of_order", subject: messageId, what }];
  });
}

function judgeBodies(log: readonly LogEntry[], { place, conversationId, orders }: LogContext): Finding[] {
  return log.flatMap(({ seq, messageId, senderId, text }): Finding[] => {
    const order = orders.get(text ?? "");
    const isWritten = order?.conversationId === conversationId && order.senderId === senderId;
    if (text === null || isWritten) return [];
    return [{ kind: "foreign", subject: messageId, what: `nobody wrote ${seq} in ${place}` }];
  });
}

/** [L2] What a sender was told stands in the log: at that place, under that id, with that body. */
function judgeTold(log: readonly LogEntry[], context: LogContext): Finding[] {
  const entries = new Map(log.map((entry) => [entry.messageId, entry]));
  return toldHere(context).flatMap(({ text, messageId, seq }): Finding[] => {
    const entry = entries.get(messageId);
    const subject = messageId;
    const told = `its sender was told that it is ${seq} in ${context.place}, where it`;
    if (entry === undefined) return [{ kind: "lost", subject, what: `${told} is not` }];
    if (entry.text !== text) return [{ kind: "foreign", subject, what: `${told} has another body` }];
    if (entry.seq !== seq) return [{ kind: "out_of_order", subject, what: `${told} is ${entry.seq}` }];
    return [];
  });
}

/** What an app has taken does not vanish from its outbox: it ends in the log. */
function judgeOutboxes(log: readonly LogEntry[], { conversationId, place, evidence }: LogContext): Finding[] {
  const inLog = new Set(log.map((entry) => entry.messageId));
  return evidence.orders.flatMap(({ messageId, conversationId: id }): Finding[] => {
    if (messageId === null || id !== conversationId || inLog.has(messageId)) return [];
    const what = `its sender's app had taken it, and it is not in ${place}`;
    return [{ kind: "lost", subject: messageId, what }];
  });
}
