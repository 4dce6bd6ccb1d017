/**
 * What objects say to each other. Two versions of the code run at once during a deploy, so these shapes change only by
 * adding optional fields. Expected outcomes are values; a throw means "unknown": nothing may be concluded from it [F4].
 */
import type { ConversationState, Watermark } from "../src/protocol/entry.ts";
import type { ErrorCode, ErrorDetails } from "../src/protocol/errors.ts";
import type { CommitRequest, FoundRequest } from "../src/protocol/http.ts";
import type { DeviceRef } from "../src/protocol/ids.ts";
import type { Accepted } from "../src/protocol/send.ts";

/** A message to be appended, from whichever path it came. */
export interface Submission {
  message_id: string;
  generation: number;
  epoch: number;
  base_seq: number;
  silent: boolean;
  /** Standard base64. */
  envelope: string;
}

export interface CommitCall {
  author: DeviceRef;
  request: CommitRequest;
  /** Whether the Accounts know every device that it adds as active. */
  areActive: boolean;
}

export interface Refusal {
  code: ErrorCode;
  details: ErrorDetails;
}
export type SubmitOutcome = { accepted: Accepted } | { refused: Refusal };

/** An entry on its way to an Inbox: serialised once, with what the Inbox needs to know about it. */
export interface DeliveredEntry {
  seq: number;
  /** The entry as JSON text, exactly as devices get it. */
  json: string;
  /** Set when the author is a device of the Inbox's own user: it is never sent its own entry [F4]. */
  author_device?: number;
  /** [L8] Neither unread nor pushed. */
  silent: boolean;
}

export interface DeliverCall {
  conversation_id: string;
  kind: "direct" | "group";
  log_id: string;
  from: number;
  to: number;
  /** Devices of the Inbox's user that lack this range. */
  devices: number[];
  /** Dense, from … to. */
  entries: DeliveredEntry[];
  /** MAC of the position `to`. */
  mac: string;
  /** The call before this one, still under way when this one was made: its `to`. Contiguity check [F4]. */
  after: number | null;
  /** [F7] A deadline was missed, or the past is unknown: store what is not known as acknowledged. */
  hold: boolean;
  /** The user's own `read_seq` that is durable, so that devices need not repeat it [R3]. */
  read_confirmed: number;
  last_activity_at: number;
}

/** handed: written to a live socket, nothing stored · held: stored · acked: known as acknowledged · gone: no such device. */
export type DeliverStatus = "handed" | "held" | "acked" | "gone";
export type DeliverAnswer = { devices: Record<number, DeliverStatus> } | { expected: number };

/** Progress of one device in one conversation. */
export interface Report {
  device_id: number;
  acked?: number;
  read?: number;
}
export interface ReportAnswer {
  /** What the Conversation now counts as acknowledged by that device; rows up to it may go. */
  acked: number;
  /** The member's durable `read_seq` [R3]. */
  read_confirmed: number;
  /** The last entry that the device is to have: the head, or where it was removed. */
  end?: number;
  refused?: Refusal;
}

export type FoundCall = FoundRequest & { author: DeviceRef };
export type FoundOutcome = { state: ConversationState } | { refused: Refusal; state?: ConversationState };

export interface ReceiptsCall {
  conversation_id: string;
  receipts: Watermark[];
}
