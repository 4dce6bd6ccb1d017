/** The checker can fail: bugs planted in the objects, each caught, and named by its rule. */
import { describe, expect, it } from "vitest";
import { Conversation } from "../../../durable/conversation/conversation.ts";
import { Inbox } from "../../../durable/inbox/inbox.ts";
import type { DeliverAnswer, DeliverCall, Report, Submission, SubmitOutcome } from "../../../durable/rpc.ts";
import { makePlan } from "../../../sim/actors/plan.ts";
import { inMacrotask } from "../../../sim/macrotask.ts";
import type { ClassName, ObjectClass } from "../../../sim/runtime/sim-object.ts";
import { shrink } from "../../../sim/shrink.ts";
import { simulate } from "../../../sim/simulate.ts";
import type { DeviceRef } from "../../../src/protocol/ids.ts";

class ForgetfulInbox extends Inbox {
  override async deliver(call: DeliverCall): Promise<DeliverAnswer> {
    await super.deliver(call);
    return { devices: Object.fromEntries(call.devices.map((id) => [id, "held" as const])) };
  }
}
class SleepyConversation extends Conversation {
  override async alarm(): Promise<void> {}
}
class EagerConversation extends Conversation {
  override async submit(author: DeviceRef, submissions: Submission[]): Promise<SubmitOutcome[]> {
    const outcomes = await super.submit(author, submissions);
    return outcomes.map((outcome) =>
      "accepted" in outcome ? { accepted: { ...outcome.accepted, seq: outcome.accepted.seq + 1 } } : outcome,
    );
  }
}
class CredulousConversation extends Conversation {
  override async acked(userId: string, reports: Report[]): ReturnType<Conversation["acked"]> {
    const further = reports.map((report) =>
      report.acked === undefined ? report : { ...report, acked: report.acked + 1 },
    );
    return await super.acked(userId, further);
  }
}
class LosingConversation extends Conversation {
  override async submit(author: DeviceRef, submissions: Submission[]): Promise<SubmitOutcome[]> {
    const outcomes = await super.submit(author, submissions);
    this.ctx.storage.sql.exec("DELETE FROM entries WHERE seq = 3");
    return outcomes;
  }
}

class PatientInbox extends Inbox {
  override async deliver(call: DeliverCall): Promise<DeliverAnswer> {
    return await super.deliver({ ...call, hold: false });
  }
}
class AmnesiacConversation extends Conversation {
  override async alarm(): Promise<void> {
    await super.alarm();
    this.ctx.storage.sql.exec("DELETE FROM progress");
  }
}
class HoardingInbox extends Inbox {
  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    super.webSocketMessage(ws, message);
    const attachment = ws.deserializeAttachment() as { phase: string };
    if (attachment.phase === "resuming") ws.serializeAttachment({ ...attachment, phase: "live" });
  }
}

const planted: [what: string, name: ClassName, made: unknown, rules: string[]][] = [
  ["an Inbox that says held and holds nothing", "Inbox", ForgetfulInbox, ["F4"]],
  ["a Conversation whose alarm does nothing", "Conversation", SleepyConversation, ["F5", "convergence"]],
  ["an ack that names another seq", "Conversation", EagerConversation, ["L2", "D1"]],
  ["an ack counted for one entry more", "Conversation", CredulousConversation, ["D1", "R1"]],
  ["an Inbox that hands to the same socket what missed its deadline", "Inbox", PatientInbox, ["F7"]],
  ["a row of cursors that is lost", "Conversation", AmnesiacConversation, ["F4", "F5", "R1"]],
  ["a device that is live before its rows are out", "Inbox", HoardingInbox, ["D4"]],
  ["an entry that vanishes", "Conversation", LosingConversation, ["L2"]],
];

describe("the checker", () => {
  it.each(planted)("catches %s", async (_what, name, made, rules) => {
    const { broken, isNamed } = await hunt({ [name]: made as ObjectClass }, rules);
    expect(isNamed, broken.join(", ")).toBe(true);
  });

  it("shrinks a failing plan, and what is left still fails", { timeout: 120_000 }, async () => {
    const classes = { Inbox: ForgetfulInbox as unknown as ObjectClass };
    const plan = makePlan("5", 60);
    const rule = (await inMacrotask(() => simulate(plan, { classes }))).violation?.rule ?? "";
    const { plan: smaller } = await inMacrotask(() => shrink(plan, rule, { classes, runsMax: 60 }));
    expect(smaller.operations.length).toBeLessThan(plan.operations.length / 2);
    expect((await inMacrotask(() => simulate(smaller, { classes }))).violation?.rule).toBe(rule);
  });
});

/** Until one of `rules` is named: which of a bug's symptoms shows first depends on the seed's schedule. */
async function hunt(classes: Partial<Record<ClassName, ObjectClass>>, rules: readonly string[]) {
  const broken: string[] = [];
  for (const seed of ["5", "6", "7", "8", "9", "22", "36"]) {
    const { violation } = await inMacrotask(() => simulate(makePlan(seed, 100), { classes }));
    if (violation === null) continue;
    broken.push(violation.rule);
    if (rules.includes(violation.rule)) return { broken, isNamed: true };
  }
  return { broken, isNamed: false };
}
