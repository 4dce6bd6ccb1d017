/**
 * The closed list of errors, with what each means for HTTP and for the client.
 * `retry`: "never" = the same request cannot succeed; "later" = after a delay; "after" = once the named repair is done.
 */
import { z } from "zod";

const definitions = {
  // Form.
  bad_json: { status: 400, retry: "never", message: "This is not JSON. Send UTF-8 JSON text." },
  bad_frame: {
    status: 400,
    retry: "never",
    message: "The request does not have the form the protocol asks for.",
  },
  too_large: {
    status: 413,
    retry: "never",
    message: "This is larger than allowed. Send it in smaller parts.",
  },
  unsupported_version: {
    status: 400,
    retry: "never",
    message: "Offer the subprotocol kittiwake.v1, or update the app.",
  },
  // Access.
  unauthorized: {
    status: 401,
    retry: "after",
    message: "The access token is missing, wrong or expired. Refresh it or log in again.",
  },
  revoked: { status: 403, retry: "never", message: "This device was logged out. Log in again." },
  not_found: { status: 404, retry: "never", message: "There is nothing here for you." },
  rate_limited: { status: 429, retry: "later", message: "Too many requests. Wait and try again." },
  busy: { status: 503, retry: "later", message: "Too much is waiting here. Wait and try again." },
  internal: { status: 500, retry: "later", message: "Something went wrong on our side. Try again." },
  // Sending.
  stale_epoch: {
    status: 409,
    retry: "after",
    message: "The epoch has moved. Catch up and encrypt again under the same id.",
  },
  base_too_old: {
    status: 409,
    retry: "after",
    message: "The position named is too far behind the head. Catch up first, then resend.",
  },
  beyond_head: {
    status: 409,
    retry: "after",
    message: "This names a position the log has not reached. Resume with your position.",
  },
  id_conflict: { status: 409, retry: "never", message: "This message id was used for another body." },
  bad_message_id: {
    status: 400,
    retry: "never",
    message: "The message id is dated more than a day ahead. Check the device's clock.",
  },
  after_refusal: {
    status: 409,
    retry: "after",
    message: "An earlier message was refused. Mend that one, then send proceed.",
  },
  commit_required: {
    status: 409,
    retry: "after",
    message: "Somebody has left. Commit the removal of the devices named in the conversation's state first.",
  },
  bad_commit: {
    status: 400,
    retry: "never",
    message: "This commit is not one that the encryption's rules allow.",
  },
  blob_missing: {
    status: 409,
    retry: "after",
    message: "The bytes named were not uploaded. Upload them, then send again.",
  },
  not_allowed: { status: 403, retry: "never", message: "Your role in this group does not allow this." },
  group_full: { status: 409, retry: "never", message: "The group has as many members as it can take." },
  bad_roster: { status: 400, retry: "never", message: "This change of members or devices is not allowed." },
  already_founded: {
    status: 409,
    retry: "after",
    message: "The conversation exists. Read its state and use it.",
  },
  // Registering.
  bad_phone: {
    status: 400,
    retry: "never",
    message: "This is not a phone number. Write it with country code, like +14155550123.",
  },
  wrong_code: { status: 403, retry: "never", message: "The code is wrong. Check it and try again." },
  code_expired: {
    status: 403,
    retry: "never",
    message: "The code has expired or was used. Ask for a new one.",
  },
  too_many_attempts: { status: 429, retry: "never", message: "Too many wrong codes. Ask for a new one." },
  too_many_codes: {
    status: 429,
    retry: "later",
    message: "Too many codes were sent to this number. Wait and try again.",
  },
  code_not_sent: {
    status: 502,
    retry: "later",
    message: "The code could not be sent. Try again in a moment.",
  },
  device_limit: {
    status: 409,
    retry: "never",
    message: "This account has five devices. Log one of them out first.",
  },
  unknown_user: { status: 404, retry: "never", message: "Nobody with this number is here yet." },
} as const satisfies Record<string, { status: number; retry: "never" | "later" | "after"; message: string }>;

export type ErrorCode = keyof typeof definitions;
export const errorCodes = Object.keys(definitions) as [ErrorCode, ...ErrorCode[]];
export const errorCodeSchema = z.enum(errorCodes);

export function errorStatus(code: ErrorCode): number {
  return definitions[code].status;
}
export function errorRetry(code: ErrorCode): "never" | "later" | "after" {
  return definitions[code].retry;
}
export function errorMessage(code: ErrorCode): string {
  return definitions[code].message;
}

/** What accompanies a code: facts the repair needs, never content. */
export const errorDetailsSchema = z.object({
  /** Where in the input the trouble is, for people. */
  where: z.string().optional(),
  first_seq: z.int().optional(),
  head: z.int().optional(),
  epoch: z.int().optional(),
  generation: z.int().optional(),
  retry_after_ms: z.int().optional(),
  request_id: z.string().optional(),
});
export type ErrorDetails = z.infer<typeof errorDetailsSchema>;

/** Body of every HTTP answer that is not a success. */
export const errorBodySchema = z.object({
  error: z.object({ code: errorCodeSchema, message: z.string(), ...errorDetailsSchema.shape }),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

export function errorBody(code: ErrorCode, details: ErrorDetails = {}): ErrorBody {
  return { error: { code, message: errorMessage(code), ...details } };
}

export class ProtocolError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(errorMessage(code));
    this.name = "ProtocolError";
    this.code = code;
    this.details = details;
  }
}

/** The first trouble zod found, as a short path and reason. Never the value itself. */
export function whereOf(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "input";
  return `${issue.path.join(".") || "input"}: ${issue.code}`.slice(0, 120);
}
