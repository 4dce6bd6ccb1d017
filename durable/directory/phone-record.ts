/**
 * What is known under one phone number: who holds it, and the one-time code being verified, with its bounds.
 * Rules only: a record and a clock in, a new record and an outcome out.
 */
import type { ErrorCode, ErrorDetails } from "../../src/protocol/errors.ts";
import { limits } from "../../src/protocol/limits.ts";

export interface PendingCode {
  /** Keyed hash of the code; null while a service elsewhere holds the code and it was not yet verified. */
  code_hash: string | null;
  expires_at: number;
  attempts: number;
  /** The installation that verified it: it alone may repeat that, until the code expires. */
  installation_id: string | null;
}
export interface PhoneRecord {
  user_id: string | null;
  /** When codes were sent, within the last hour. */
  sends_at: number[];
  code: PendingCode | null;
}

export const emptyRecord: PhoneRecord = { user_id: null, sends_at: [], code: null };
export const sendsWindowMs = 60 * 60_000;

export interface CodeRefusal {
  refused: { code: ErrorCode; details: ErrorDetails };
}
export type StartOutcome = { started: true } | CodeRefusal;
export interface VerifyCall {
  code_hash: string;
  installation_id: string;
  /** The user this number gets if nobody holds it yet. */
  candidate_user_id: string;
}
/** ask: the attempt is counted, and the service that holds the code is to be asked. */
export type VerifyOutcome = { user_id: string } | { ask: true } | CodeRefusal;

export interface Step<Outcome> {
  record: PhoneRecord;
  outcome: Outcome;
}

/** A code is about to be sent. It counts even if sending fails, because the sender may have failed after the fact. */
export function startCode(record: PhoneRecord, now: number, codeHash: string | null): Step<StartOutcome> {
  const sendsAt = record.sends_at.filter((at) => at > now - sendsWindowMs);
  const waitMs = sendWaitMs(sendsAt, now);
  if (waitMs > 0) return { record, outcome: refusal("too_many_codes", { retry_after_ms: waitMs }) };
  const code = {
    code_hash: codeHash,
    expires_at: now + limits.codeLifetimeMs,
    attempts: 0,
    installation_id: null,
  };
  return { record: { ...record, sends_at: [...sendsAt, now], code }, outcome: { started: true } };
}

function sendWaitMs(sendsAt: readonly number[], now: number): number {
  const last = sendsAt.at(-1);
  const interval = last === undefined ? 0 : last + limits.codeSendIntervalMs - now;
  const oldest = sendsAt.at(-limits.codeSendsPerHourMax);
  const hour = oldest === undefined ? 0 : oldest + sendsWindowMs - now;
  return Math.max(interval, hour, 0);
}

/** Someone typed a code. Every wrong one is counted, and so is every question to a service elsewhere. */
export function verifyCode(record: PhoneRecord, now: number, call: VerifyCall): Step<VerifyOutcome> {
  const { code } = record;
  if (code === null || code.expires_at <= now) return { record, outcome: refusal("code_expired") };
  if (code.attempts >= limits.codeAttemptsMax) return { record, outcome: refusal("too_many_attempts") };
  const isRight = code.code_hash !== null && equalsConstantTime(code.code_hash, call.code_hash);
  if (isRight) return claim(record, code, call);
  const counted = { ...record, code: { ...code, attempts: code.attempts + 1 } };
  return { record: counted, outcome: code.code_hash === null ? { ask: true } : refusal("wrong_code") };
}

/** The service elsewhere approved this code. */
export function confirmCode(record: PhoneRecord, now: number, call: VerifyCall): Step<VerifyOutcome> {
  const { code } = record;
  if (code === null || code.expires_at <= now) return { record, outcome: refusal("code_expired") };
  // The question to the service was counted as an attempt; it was a right one.
  return claim(record, { ...code, code_hash: call.code_hash, attempts: code.attempts - 1 }, call);
}

function claim(record: PhoneRecord, code: PendingCode, call: VerifyCall): Step<VerifyOutcome> {
  if (code.installation_id !== null && code.installation_id !== call.installation_id) {
    return { record, outcome: refusal("code_expired") };
  }
  const userId = record.user_id ?? call.candidate_user_id;
  const used = { ...code, installation_id: call.installation_id };
  return { record: { ...record, user_id: userId, code: used }, outcome: { user_id: userId } };
}

/** What is worth keeping once the hour is over: nothing, for a number nobody registered. */
export function isForgettable(record: PhoneRecord, now: number): boolean {
  return record.user_id === null && record.sends_at.every((at) => at <= now - sendsWindowMs);
}

function refusal(code: ErrorCode, details: ErrorDetails = {}): CodeRefusal {
  return { refused: { code, details } };
}

/** Looks at every character whatever the first ones were, so that time says nothing about the match. */
function equalsConstantTime(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
