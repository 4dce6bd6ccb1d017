/**
 * Acks and read marks on their way to Conversations [D1] (design.md section 2, step 6): one call under way per
 * conversation, later ones gather behind it. A held row is deleted only after the call that covers it returned;
 * a call that failed is written down, and the alarm repeats it.
 */
import { limits } from "../../src/protocol/limits.ts";
import type { Report, ReportAnswer } from "../rpc.ts";

export interface ReportsPort {
  acked(
    conversationId: string,
    reports: Report[],
  ): Promise<{ log_id: string | null; answers: ReportAnswer[] }>;
}
type FailedReport = { conversation_id: string; device_id: number; acked: number; read: number };
/** What the Inbox does with an answer. */
export type OnAnswer = (
  conversationId: string,
  logId: string | null,
  report: Report,
  answer: ReportAnswer,
) => void;

export class Reports {
  #sql: SqlStorage;
  #port: ReportsPort;
  #onAnswer: OnAnswer;
  #armAlarm: () => void;
  #gathering = new Map<string, Map<number, Report>>();
  #underWay = new Map<string, Promise<void>>();
  /** Whether failed reports are written down; null where the table is to be asked, as after a wake. */
  #anyFailed: boolean | null = null;

  constructor(sql: SqlStorage, port: ReportsPort, onAnswer: OnAnswer, armAlarm: () => void) {
    this.#sql = sql;
    this.#port = port;
    this.#onAnswer = onAnswer;
    this.#armAlarm = armAlarm;
  }

  /** Resolves when a call that covers this report has returned or failed. */
  add(conversationId: string, report: Report): Promise<void> {
    const gathering = this.#gathering.get(conversationId) ?? new Map<number, Report>();
    this.#gathering.set(conversationId, gathering);
    gathering.set(report.device_id, merged(gathering.get(report.device_id), report));
    const running = this.#underWay.get(conversationId);
    if (running !== undefined) return running;
    const started = this.#drain(conversationId);
    this.#underWay.set(conversationId, started);
    return started;
  }

  /** [F5] All that failed before, as the rows say, a bounded number at a time; true when nothing is left. */
  async repeatFailed(): Promise<boolean> {
    this.#anyFailed = null;
    for (let rows = this.#failedAfter("", 0); rows.length > 0; ) {
      await Promise.all(
        rows.map((row) =>
          this.add(row.conversation_id, {
            device_id: row.device_id,
            ...(row.acked > 0 && { acked: row.acked }),
            ...(row.read > 0 && { read: row.read }),
          }),
        ),
      );
      const last = rows.at(-1);
      rows = last === undefined ? [] : this.#failedAfter(last.conversation_id, last.device_id);
    }
    return !this.hasFailed();
  }

  hasFailed(): boolean {
    this.#anyFailed ??= this.#sql.exec("SELECT 1 FROM failed_reports LIMIT 1").toArray().length > 0;
    return this.#anyFailed;
  }

  #failedAfter(conversationId: string, deviceId: number): FailedReport[] {
    return this.#sql
      .exec<FailedReport>(
        "SELECT conversation_id, device_id, acked, read FROM failed_reports WHERE (conversation_id, device_id) > (?, ?) ORDER BY conversation_id, device_id LIMIT ?",
        conversationId,
        deviceId,
        limits.reportsRepeatedAtOnceMax,
      )
      .toArray();
  }

  async #drain(conversationId: string): Promise<void> {
    // An ack and a read mark that came in one array of frames make one call.
    await Promise.resolve();
    try {
      for (let reports = this.#take(conversationId); reports !== null; reports = this.#take(conversationId)) {
        await this.#call(conversationId, reports);
      }
    } finally {
      // In the same step as the look that found nothing: a report added later starts its own call.
      this.#underWay.delete(conversationId);
    }
  }

  #take(conversationId: string): Report[] | null {
    const gathered = this.#gathering.get(conversationId);
    this.#gathering.delete(conversationId);
    return gathered === undefined ? null : [...gathered.values()];
  }

  async #call(conversationId: string, reports: Report[]): Promise<void> {
    try {
      const { log_id, answers } = await this.#port.acked(conversationId, reports);
      for (const [index, report] of reports.entries()) {
        const answer = answers[index];
        if (answer !== undefined) this.#onAnswer(conversationId, log_id, report, answer);
      }
      for (const report of reports) this.#strikeOut(conversationId, report);
    } catch {
      for (const report of reports) this.#writeDown(conversationId, report);
      this.#armAlarm();
    }
  }

  /** Only what this call covered: another device's failed report, or a later one, is still to be repeated. */
  #strikeOut(conversationId: string, report: Report): void {
    if (!this.hasFailed()) return;
    this.#anyFailed = null;
    this.#sql.exec(
      "DELETE FROM failed_reports WHERE conversation_id = ? AND device_id = ? AND acked <= ? AND read <= ?",
      conversationId,
      report.device_id,
      report.acked ?? 0,
      report.read ?? 0,
    );
  }

  #writeDown(conversationId: string, report: Report): void {
    this.#anyFailed = true;
    this.#sql.exec(
      "INSERT INTO failed_reports (conversation_id, device_id, acked, read) VALUES (?, ?, ?, ?) ON CONFLICT (conversation_id, device_id) DO UPDATE SET acked = max(acked, excluded.acked), read = max(read, excluded.read)",
      conversationId,
      report.device_id,
      report.acked ?? 0,
      report.read ?? 0,
    );
  }
}

function merged(known: Report | undefined, report: Report): Report {
  const acked = Math.max(known?.acked ?? 0, report.acked ?? 0);
  const read = Math.max(known?.read ?? 0, report.read ?? 0);
  return { device_id: report.device_id, ...(acked > 0 && { acked }), ...(read > 0 && { read }) };
}
