/**
 * [E9] Why something could not be encrypted, decrypted, joined or applied: a closed list, each with its automatic
 * repair. Nothing here throws to its caller; `cause` is for tests and counters, never for a log.
 */
import { type GuardCode, guardCodes, Refusal } from "../../mls-guard/refusal.ts";

const facadeCodes = [
  /** From before this device joined: no failure, nothing to show. */
  "before_join",
  /** What this device sent itself: its ratchet cannot open it again, the outbox has the text. */
  "own_message",
  "epoch_passed",
  "epoch_ahead",
  /** The leaf that signed is not the entry's device (E13). */
  "wrong_device",
  /** Claimed for another conversation, message id or place in the log. */
  "wrong_position",
  /** The sender saw another log (E13): sending stops, the user is told. */
  "log_fork",
  "state_mismatch",
  "replayed",
  "ratchet_gap",
  "decrypt_failed",
  "bad_padding",
  "commitment_mismatch",
  /** A Remove or a sender of a leaf that is not there. */
  "unknown_leaf",
  /** A joiner may take out a leaf of the same user only. */
  "removes_other_user",
  "changed_identity",
  "duplicate_leaf",
  "too_many_leaves",
  /** The judge (pins, device lists, roster, roles) says no. */
  "untrusted_leaf",
  "forbidden_change",
  /** Accepted by the server, and this device cannot apply it (E2). */
  "commit_unprocessable",
  "removed",
  "not_alone",
  "key_package_invalid",
  "key_package_expired",
  "welcome_used",
  "welcome_unreadable",
  "not_for_us",
  "state_exists",
  "not_two_users",
  "old_group_info",
  "group_info_invalid",
  "nothing_to_replace",
  "state_unreadable",
] as const;

export type MlsFailure = GuardCode | (typeof facadeCodes)[number];
export const mlsFailures: readonly MlsFailure[] = [...guardCodes, ...facadeCodes];

export type Failed = { failure: MlsFailure; cause: unknown };
export type Result<T> = { failure: null; value: T } | Failed;

/**
 * none: it stays as it is, shown with its reason · fetch: read the log on, then again · resend: ask the sender ·
 * rejoin: by external commit, three times an hour at most · stop: sending stops and the user decides.
 */
export type MlsRepair = "none" | "fetch" | "resend" | "rejoin" | "stop";

const repairs: { [F in MlsFailure]?: MlsRepair } = {
  epoch_ahead: "fetch",
  old_group_info: "fetch",
  decrypt_failed: "resend",
  ratchet_gap: "resend",
  bad_padding: "resend",
  commitment_mismatch: "resend",
  commit_unprocessable: "rejoin",
  state_unreadable: "rejoin",
  log_fork: "stop",
  state_mismatch: "fetch",
};

export function mlsRepairFor(failure: MlsFailure): MlsRepair {
  return repairs[failure] ?? "none";
}

/** Ends the work with this code. */
export function fail(failure: MlsFailure): never {
  throw new Refusal(failure);
}

/** What the library throws comes out as `otherwise`, what guards and rules refuse as their code. */
export async function attempt<T>(otherwise: MlsFailure, work: () => Promise<T> | T): Promise<Result<T>> {
  try {
    return { failure: null, value: await work() };
  } catch (cause) {
    const code = cause instanceof Refusal ? mlsFailures.find((known) => known === cause.code) : undefined;
    return { failure: code ?? otherwise, cause };
  }
}
