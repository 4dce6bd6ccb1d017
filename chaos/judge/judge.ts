/**
 * The contract, checked from outside: what a sender was told is in the log and in every member's store, once, in one
 * order, with its own body; the log is dense; nothing stands there that nobody wrote. Pure, so that stores that are
 * wrong can be made up to try it.
 */
import { judgeCopy } from "./copy.ts";
import type { Evidence } from "./evidence.ts";
import type { Finding } from "./finding.ts";
import { judgeLog } from "./log.ts";

export interface Verdict {
  acked: number;
  lost: number;
  duplicated: number;
  out_of_order: number;
  foreign: number;
  findings: Finding[];
}

export function judge(evidence: Evidence): Verdict {
  const orders = new Map(evidence.orders.map((order, number) => [order.text, { ...order, number }]));
  const findings = evidence.conversations.flatMap(({ id, log, copies }) => {
    const name = `conversation ${id.slice(0, 6)}`;
    return [
      ...judgeLog(log, { conversationId: id, place: `the log of ${name}`, orders, evidence }),
      ...copies.flatMap((copy) => judgeCopy(copy, log, `${copy.owner}'s copy of ${name}`)),
    ];
  });
  const count = (kind: Finding["kind"]) =>
    new Set(findings.filter((finding) => finding.kind === kind).map((finding) => finding.subject)).size;
  return {
    acked: new Set(evidence.told.map((told) => told.messageId)).size,
    lost: count("lost"),
    duplicated: count("duplicated"),
    out_of_order: count("out_of_order"),
    foreign: count("foreign"),
    findings,
  };
}
