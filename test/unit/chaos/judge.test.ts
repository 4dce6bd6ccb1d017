/** The judge of the chaos run, tried on made-up stores: each thing that can be wrong is planted once. */
import { describe, expect, it } from "vitest";
import type { Evidence, LogEntry } from "../../../chaos/judge/evidence.ts";
import { judge } from "../../../chaos/judge/judge.ts";

/** Alice wrote m2, m4, m6 and Bob m3, m5 after the founding at 1; all are told, logged, kept and shown. */
function fine() {
  const id = "chat";
  const log: LogEntry[] = [1, 2, 3, 4, 5, 6].map((seq) => ({
    seq,
    messageId: `m${seq}`,
    senderId: seq % 2 === 0 ? "alice" : "bob",
    sentAtMs: 1000 + seq,
    text: seq === 1 ? null : `text ${seq}`,
  }));
  const messages = log.flatMap(({ text, ...rest }) => (text === null ? [] : [{ ...rest, text }]));
  const copyFor = (owner: string) => ({
    owner,
    entries: log.map(({ seq, messageId }) => ({ seq, messageId })),
    shown: messages.map(({ seq, messageId, senderId, text }) => ({ seq, messageId, senderId, text })),
  });
  const copies = { alice: copyFor("alice"), bob: copyFor("bob") };
  const evidence = {
    conversations: [{ id, log, copies: [copies.alice, copies.bob] }],
    orders: messages.map(({ text, senderId, messageId }) => ({
      text,
      conversationId: id,
      senderId,
      messageId,
    })),
    told: messages.map(({ text, messageId, seq }) => ({ text, messageId, seq })),
    overtakable: new Set<string>(),
  } satisfies Evidence;
  return { evidence, log, ...copies };
}

function countsOf(evidence: Evidence) {
  const { acked, lost, duplicated, out_of_order, foreign } = judge(evidence);
  return { acked, lost, duplicated, out_of_order, foreign };
}

function kindsOf(evidence: Evidence) {
  return judge(evidence).findings.map(({ kind }) => kind);
}

const clean = { acked: 5, lost: 0, duplicated: 0, out_of_order: 0, foreign: 0 };

describe("the judge of a chaos run", () => {
  it("finds nothing where all is well", () => {
    const { evidence } = fine();
    expect(judge(evidence)).toEqual({ ...clean, findings: [] });
  });

  it("[D1] [D2] reports a message that a member does not hold, once in however many copies", () => {
    const { evidence, alice, bob } = fine();
    for (const copy of [alice, bob]) {
      copy.entries.splice(3, 1);
      copy.shown.splice(2, 1);
    }
    expect(countsOf(evidence)).toEqual({ ...clean, lost: 1 });
  });

  it("[D2] reports the last message, which leaves no gap behind", () => {
    const { evidence, bob } = fine();
    bob.entries.pop();
    bob.shown.pop();
    expect(countsOf(evidence)).toEqual({ ...clean, lost: 1 });
  });

  it("[D8] reports a message that is kept and not shown", () => {
    const { evidence, bob } = fine();
    bob.shown.pop();
    expect(countsOf(evidence)).toEqual({ ...clean, lost: 1 });
  });

  it("[L2] reports a message that was acknowledged and is nowhere", () => {
    const { evidence, log, alice, bob } = fine();
    for (const list of [log, alice.entries, alice.shown, bob.entries, bob.shown]) list.pop();
    expect(countsOf(evidence)).toEqual({ ...clean, lost: 1 });
  });

  it("[L1] [L2] counts an acknowledged message that left a hole once", () => {
    const { evidence, log } = fine();
    log.splice(2, 1);
    expect(countsOf(evidence)).toEqual({ ...clean, lost: 1, foreign: 1 });
  });

  it("reports a message that its sender's outbox forgot before anybody was told", () => {
    const { evidence } = fine();
    evidence.orders.push({ text: "gone", conversationId: "chat", senderId: "bob", messageId: "m7" });
    expect(countsOf(evidence)).toEqual({ ...clean, lost: 1 });
  });

  it("takes no offence at an order that its app never took", () => {
    const { evidence } = fine();
    const order = { text: "killed first", conversationId: "chat", senderId: "bob", messageId: null };
    expect(countsOf({ ...evidence, orders: [...evidence.orders, order] })).toEqual(clean);
  });

  it("[L1] reports a hole in the log", () => {
    const { evidence, log, alice, bob } = fine();
    for (const list of [log, alice.entries, alice.shown, bob.entries, bob.shown])
      for (const item of list) if (item.seq === 6) item.seq = 7;
    const told = evidence.told.map((one) => (one.seq === 6 ? { ...one, seq: 7 } : one));
    expect(countsOf({ ...evidence, told })).toEqual({ ...clean, lost: 1 });
  });

  it("[L3] reports a double: under the same id in a copy, under another one in the log", () => {
    const { evidence, log, alice, bob } = fine();
    bob.shown.push({ seq: 7, messageId: "m6", senderId: "alice", text: "text 6" });
    expect(countsOf(evidence).duplicated).toBe(1);
    bob.shown.pop();
    const again = { seq: 7, messageId: "m7", senderId: "alice", text: "text 6" };
    log.push({ ...again, sentAtMs: 2000 });
    for (const copy of [alice, bob]) {
      copy.entries.push(again);
      copy.shown.push(again);
    }
    expect(countsOf(evidence)).toEqual({ ...clean, duplicated: 1 });
  });

  it("[D3] reports a swap in a copy: of places, and of what is shown first", () => {
    const { evidence, bob } = fine();
    const [one, other] = [bob.shown[2], bob.shown[3]];
    if (one === undefined || other === undefined) throw new Error("no such messages");
    bob.shown.splice(2, 2, other, one);
    expect(countsOf(evidence)).toEqual({ ...clean, out_of_order: 1 });
    [one.seq, other.seq] = [other.seq, one.seq];
    expect(countsOf(evidence)).toEqual({ ...clean, out_of_order: 2 });
  });

  it("[L3] [D3] looks at the log, at what is kept and at what is shown, each on its own", () => {
    const swapped = fine();
    for (const entry of swapped.log) entry.sentAtMs = 1000;
    swapped.log.splice(2, 0, ...swapped.log.splice(3, 1));
    expect(kindsOf(swapped.evidence)).toEqual(["out_of_order"]);
    const logged = fine();
    logged.log.splice(3, 0, ...logged.log.slice(2, 3));
    expect(kindsOf(logged.evidence)).toEqual(["out_of_order", "duplicated"]);
    const kept = fine();
    kept.bob.entries.splice(3, 0, ...kept.bob.entries.slice(2, 3));
    expect(kindsOf(kept.evidence)).toEqual(["out_of_order", "duplicated"]);
    const moved = fine();
    moved.bob.entries.push({ seq: 7, messageId: moved.bob.entries.pop()?.messageId ?? "" });
    expect(kindsOf(moved.evidence)).toEqual(["out_of_order"]);
  });

  it("[L4] reports a clock that goes back", () => {
    const { evidence, log } = fine();
    for (const entry of log) if (entry.seq === 4) entry.sentAtMs = 1;
    expect(countsOf(evidence)).toEqual({ ...clean, out_of_order: 1 });
  });

  it("[L2] reports a sender who was told another place", () => {
    const { evidence } = fine();
    const told = evidence.told.map((one) => (one.seq === 3 ? { ...one, seq: 5 } : one));
    expect(countsOf({ ...evidence, told })).toEqual({ ...clean, out_of_order: 1 });
  });

  it("[L7] reports a sender's messages in another order than they were written, unless the proxy broke the stream", () => {
    const { evidence } = fine();
    const orders = [...evidence.orders];
    const first = orders.shift();
    if (first === undefined) throw new Error("no orders");
    const written = { ...evidence, orders: [...orders, first] };
    // m2 stands before m4 and m6, and was written after them.
    expect(countsOf(written)).toEqual({ ...clean, out_of_order: 2 });
    expect(countsOf({ ...written, overtakable: new Set(["m4", "m6"]) })).toEqual(clean);
  });

  it("reports what nobody wrote, and what was written with another body", () => {
    const { evidence, log, alice, bob } = fine();
    for (const list of [log, alice.shown, bob.shown])
      for (const item of list) if (item.seq === 5) item.text = "altered";
    expect(countsOf(evidence)).toEqual({ ...clean, foreign: 1 });
  });

  it("reports what nobody wrote and everybody has", () => {
    const { evidence } = fine();
    evidence.orders.pop();
    evidence.told.pop();
    expect(countsOf(evidence)).toEqual({ ...clean, acked: 4, foreign: 1 });
  });

  it("reports another body, another sender and an entry of no log in a copy", () => {
    const { evidence, bob } = fine();
    for (const message of bob.shown) {
      if (message.seq === 3) message.text = "altered";
      if (message.seq === 4) message.senderId = "mallory";
    }
    bob.entries.push({ seq: 7, messageId: "m7" });
    expect(countsOf(evidence)).toEqual({ ...clean, foreign: 3 });
  });
});
