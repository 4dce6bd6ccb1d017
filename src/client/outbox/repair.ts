/** What each refusal of a message asks for before anything later is sent [L7]. The full list, so that none is forgotten. */
import { type ErrorCode, errorCodes } from "../../protocol/errors.ts";

/**
 * encrypt_again: catch up, encrypt for the new epoch under the same id · remove_due: commit what has to go, then likewise · catch_up: fetch the log, then the same bytes ·
 * claim_position: show the position on the chat's socket, where the server can find that its log was restored [L5] ·
 * wait: the same again after a while · go_on: nothing is wrong with this one, it stood behind a refused one ·
 * look_first: what went out before, and was encrypted anew meanwhile, may have come in late: fetch the log, fail if not ·
 * fail: shown to the user, later ones flow.
 */
export type Repair =
  | "encrypt_again"
  | "remove_due"
  | "catch_up"
  | "claim_position"
  | "wait"
  | "go_on"
  | "look_first"
  | "fail";

const repairs: { [C in ErrorCode]?: Repair } = {
  stale_epoch: "encrypt_again",
  commit_required: "remove_due",
  base_too_old: "catch_up",
  beyond_head: "claim_position",
  after_refusal: "go_on",
  id_conflict: "look_first",
  rate_limited: "wait",
  busy: "wait",
  internal: "wait",
  // About the log-in, not the message: the connection mends it or signs the device out.
  unauthorized: "wait",
};

export function repairFor(code: ErrorCode): Repair {
  return repairs[code] ?? "fail";
}

/** With these the id is used up (or was another device's): trying again means a new message. */
export function needsNewId(code: ErrorCode | null): boolean {
  return code === "id_conflict" || code === "bad_message_id" || code === "revoked";
}

export const finalCodes: ErrorCode[] = errorCodes.filter((code) => repairFor(code) === "fail");
