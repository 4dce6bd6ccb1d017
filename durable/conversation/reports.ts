/** A device's progress as its Inbox passes it on [D1] [R1]: checked against the log, never trusted beyond it. */
import type { Report, ReportAnswer } from "../rpc.ts";
import type { ConversationCore } from "./core.ts";
import type { Receipts } from "./receipts.ts";

export function takeReport(
  core: ConversationCore,
  receipts: Receipts,
  userId: string,
  report: Report,
): ReportAnswer {
  const { loaded } = core;
  const ref = { user_id: userId, device_id: report.device_id };
  if (loaded === null || core.memberDevice(ref) === undefined) return refused("not_found", 0, 0);
  const { progress, head } = loaded;
  const before = progress.device(ref)?.acked ?? 0;
  if ((report.acked ?? 0) > head.seq || (report.read ?? 0) > head.seq) {
    return refused("beyond_head", before, progress.readConfirmed(userId));
  }
  if (report.acked !== undefined && progress.ack(ref, report.acked)) receipts.rose(userId, "delivered");
  if (report.read !== undefined && progress.read(ref, report.read)) receipts.rose(userId, "read");
  const acked = progress.device(ref)?.acked ?? 0;
  return { acked: Math.max(acked, report.acked ?? 0), read_confirmed: progress.readConfirmed(userId) };
}

function refused(code: "not_found" | "beyond_head", acked: number, readConfirmed: number): ReportAnswer {
  return { acked, read_confirmed: readConfirmed, refused: { code, details: {} } };
}
