/** A device's progress as its Inbox passes it on [D1] [R1]: checked against the log, never trusted beyond it. */
import type { Report, ReportAnswer } from "../rpc.ts";
import type { ConversationCore } from "./core.ts";
import type { Receipts } from "./receipts.ts";
import { deviceOf } from "./roster.ts";

export function takeReport(
  core: ConversationCore,
  receipts: Receipts,
  userId: string,
  report: Report,
): ReportAnswer {
  const { loaded } = core;
  const ref = { user_id: userId, device_id: report.device_id };
  const known = deviceOf(core.roster, ref);
  if (loaded === null || known === undefined || known.gone === true) return refused("not_found", 0, 0);
  const { progress } = loaded;
  // [F8] A device that was removed still gets, and acknowledges, all up to its removal.
  const end = known.left_seq ?? loaded.head.seq;
  const before = progress.device(ref)?.acked ?? 0;
  if ((report.acked ?? 0) > end || (report.read ?? 0) > end) {
    return refused("beyond_head", before, progress.readConfirmed(userId));
  }
  if (report.acked !== undefined && progress.ack(ref, report.acked)) receipts.rose(userId, "delivered");
  if (report.read !== undefined && progress.read(ref, report.read)) receipts.rose(userId, "read");
  const acked = progress.device(ref)?.acked ?? 0;
  return { acked: Math.max(acked, report.acked ?? 0), read_confirmed: progress.readConfirmed(userId), end };
}

function refused(code: "not_found" | "beyond_head", acked: number, readConfirmed: number): ReportAnswer {
  return { acked, read_confirmed: readConfirmed, refused: { code, details: {} } };
}
